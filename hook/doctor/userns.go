package doctor

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namespaces looks at what rootless engines are made of.
func (d *doctor) namespaces(l *list, o outcome) {
	if !d.rootless() {
		d.namespacesForRoot(l, o)
		return
	}
	d.userNamespaces(l, o)
	switch {
	case o.own == nil:
		l.skip(OverlayUserns, fmt.Sprintf("could not be tried: %v", o.err))
	case o.own.Overlay != "":
		l.degraded(OverlayUserns, "overlayfs in a user namespace: "+o.own.Overlay, whyOverlay, mendOverlayUserns)
	default:
		l.ok(OverlayUserns, "overlayfs can be mounted in a user namespace")
	}
	if d.inUserns {
		const cause = "this is inside of a user namespace already"
		l.skip(IDMapTools, cause)
		l.skip(SubordinateIDs, cause)
		return
	}
	d.idMapTools(l)
	d.subordinateIDs(l)
}

const mendOverlayUserns = "boot Linux 5.11 or newer"

// namespacesForRoot is about --userns and the rootless engines of others: root's own containers need none of it.
func (d *doctor) namespacesForRoot(l *list, o outcome) {
	switch {
	case o.usernsErr != nil:
		l.degraded(UserNamespaces, fmt.Sprintf("no user namespace can be made: %v%s", o.usernsErr, namespaceLimits()),
			"Rootless engines and --userns do not work. root's other containers do.", d.mendNamespaces())
		l.skip(OverlayUserns, "there are no user namespaces")
	case o.userns.Overlay != "":
		l.ok(UserNamespaces, "user namespaces can be made")
		l.degraded(OverlayUserns, "overlayfs in a user namespace: "+o.userns.Overlay,
			"Rootless engines take the slower fuse driver. root's containers do not need it.", mendOverlayUserns)
	default:
		l.ok(UserNamespaces, "user namespaces can be made by root"+namespaceLimits())
		l.ok(OverlayUserns, "overlayfs can be mounted in a user namespace")
	}
	const cause = "root's engines need none; run casview doctor as the user of a rootless engine"
	l.skip(IDMapTools, cause)
	l.skip(SubordinateIDs, cause)
}

// appArmorSwitch is Ubuntu's, since 24.04.
const appArmorSwitch = "kernel/apparmor_restrict_unprivileged_userns"

const whyUserNamespaces = "A rootless engine runs containers in a user namespace."

func (d *doctor) userNamespaces(l *list, o outcome) {
	switch {
	case d.inUserns && d.uid == 0:
		l.ok(UserNamespaces, "this is inside of a user namespace")
	case o.appArmor:
		l.degraded(UserNamespaces, "AppArmor gives rights in user namespaces only to programs with a profile of their own",
			"podman usually has one; casview doctor has none, so it can't try here what podman can do.",
			"podman unshare "+d.casview("doctor"))
	case o.own == nil:
		l.broken(UserNamespaces, fmt.Sprintf("no user namespace can be made: %v%s", o.err, namespaceLimits()),
			whyUserNamespaces, d.mendNamespaces())
	default:
		l.ok(UserNamespaces, "user namespaces can be made"+namespaceLimits())
	}
}

// namespaceLimits are the switches of kernels and distributions that stand against user namespaces.
func namespaceLimits() string {
	var all []string
	for _, bad := range [][2]string{{"kernel/unprivileged_userns_clone", "0"}, {"user/max_user_namespaces", "0"}, {appArmorSwitch, "1"}} {
		if sysctl(bad[0]) == bad[1] {
			all = append(all, strings.ReplaceAll(bad[0], "/", ".")+" = "+bad[1])
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " (" + strings.Join(all, ", ") + ")"
}

func (d *doctor) mendNamespaces() string {
	switch {
	case sysctl("kernel/unprivileged_userns_clone") == "0":
		return d.sudo("sysctl -w kernel.unprivileged_userns_clone=1")
	case sysctl("user/max_user_namespaces") == "0":
		return d.sudo("sysctl -w user.max_user_namespaces=15000")
	}
	return "boot a kernel with user namespaces (CONFIG_USER_NS); inside a container, run it with --privileged"
}

func sysctl(name string) string {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

const whyIDs = "Without them a rootless engine has one user in its containers, and images with more don't work."

// idMapTools looks at the programs that give a user their subordinate ids. They need setuid root, or a capability.
func (d *doctor) idMapTools(l *list) {
	for i, name := range []string{"newuidmap", "newgidmap"} {
		capability := []int{unix.CAP_SETUID, unix.CAP_SETGID}[i]
		path := look(name)
		if path == "" {
			l.degraded(IDMapTools, name+" is not installed", whyIDs,
				d.sudo("apt-get install uidmap")+"   # Fedora: sudo dnf install shadow-utils")
			return
		}
		info, err := os.Stat(path)
		if err != nil {
			l.skip(IDMapTools, err.Error())
			return
		}
		if info.Mode()&os.ModeSetuid == 0 && !hasFileCapability(path, capability) {
			l.degraded(IDMapTools, path+" has neither setuid root nor the file capability", whyIDs,
				d.sudo("chmod u+s "+quote(path)))
			return
		}
	}
	l.ok(IDMapTools, "newuidmap and newgidmap may map ids")
}

// hasFileCapability reads the permitted set of security.capability: 4 bytes of magic, then 4 of capabilities 0 to 31, all
// little-endian (capabilities(7)).
func hasFileCapability(path string, capability int) bool {
	var buf [64]byte
	n, err := unix.Getxattr(path, "security.capability", buf[:])
	return err == nil && n >= 8 && buf[4+capability/8]&(1<<(capability%8)) != 0
}

const enoughIDs = 65536

func (d *doctor) subordinateIDs(l *list) {
	u, err := user.LookupId(strconv.Itoa(d.uid))
	if err != nil {
		l.skip(SubordinateIDs, fmt.Sprintf("this user has no name: %v", err))
		return
	}
	mend := d.sudo("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "+quote(u.Username)) +
		"   # a range that is free in /etc/subuid and /etc/subgid; then: podman system migrate"
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		n, err := subordinate(file, u.Username, d.uid)
		switch {
		case err != nil && !errors.Is(err, os.ErrNotExist):
			l.skip(SubordinateIDs, err.Error())
			return
		case n == 0:
			l.degraded(SubordinateIDs, fmt.Sprintf("%s has no range for %s", file, u.Username), whyIDs, mend)
			return
		case n < enoughIDs:
			l.degraded(SubordinateIDs, fmt.Sprintf("%s gives %s only %d ids", file, u.Username, n),
				"Images have ids up to 65535; those without one can't be made.", mend)
			return
		}
	}
	l.ok(SubordinateIDs, "/etc/subuid and /etc/subgid have ranges for "+u.Username)
}

// subordinate counts the ids that a file of subuid(5) gives a user, by name or number.
func subordinate(file, name string, uid int) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	total := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		part := strings.Split(strings.TrimSpace(lines.Text()), ":")
		if len(part) != 3 || part[0] != name && part[0] != strconv.Itoa(uid) {
			continue
		}
		if n, err := strconv.Atoi(part[2]); err == nil {
			total += n
		}
	}
	return total, lines.Err()
}
