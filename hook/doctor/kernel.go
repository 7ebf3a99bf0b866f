package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// outcome is what trials came to here.
type outcome struct {
	// own is as this user's engine mounts; err says why nothing could be tried.
	own *trials
	err error
	// appArmor says that it is AppArmor's restriction of unprivileged user namespaces that lets nothing be tried. podman has
	// a profile by which it may what this program may not.
	appArmor bool
	// noDir says why no overlay could be tried over the state directory, or is nil.
	noDir error
	// userns is the same in a user namespace, for root.
	userns    *trials
	usernsErr error
}

// tryAll tries as this user's engine would: root in a mount namespace, a user in a user namespace of their own.
func (d *doctor) tryAll(ctx context.Context) outcome {
	var o outcome
	dir, remove, err := d.trialDir()
	o.noDir = err
	defer remove()
	o.own, o.err = d.try(ctx, dir, d.uid != 0)
	if d.uid != 0 && sysctl(appArmorSwitch) == "1" && (o.own == nil || o.own.MountAPI != "") {
		o.own, o.err, o.appArmor = nil, errors.New("AppArmor does not let this program have user namespaces"), true
	}
	if !d.rootless() {
		o.userns, o.usernsErr = d.try(ctx, "", true)
	}
	return o
}

// kernel looks at what the running kernel offers.
func (d *doctor) kernel(l *list, o outcome) {
	release := kernelRelease()
	d.openat2(l)
	switch {
	case o.own != nil:
		d.mountAPI(l, o.own, release)
		d.fuse(l, o.own, release)
	case d.uid == 0:
		l.broken(MountAPI, fmt.Sprintf("no mount namespace can be made: %v", o.err), whyMounts,
			d.mendMounts("run it with CAP_SYS_ADMIN"))
		l.skip(FuseFilesystem, "nothing can be mounted")
		l.skip(FusePassthrough, "nothing can be mounted")
	default: // user-namespaces says more
		for _, id := range []ID{MountAPI, FuseFilesystem, FusePassthrough} {
			l.skip(id, fmt.Sprintf("could not be tried: %v", o.err))
		}
	}
	d.landlock(l)
}

func (d *doctor) openat2(l *list) {
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		l.broken(Openat2, fmt.Sprintf("openat2: %v (kernel %s)", err, kernelRelease()),
			"The hook opens the target only by openat2, so that no symlink of an image leads it out of the root filesystem.",
			"boot Linux 5.10 or newer; inside a container, run it with a seccomp profile that allows openat2")
		return
	}
	unix.Close(fd)
	l.ok(Openat2, "openat2 works")
}

const whyMounts = "Views are made as detached mounts and attached to containers by these system calls."

func (d *doctor) mountAPI(l *list, t *trials, release string) {
	if t.MountAPI == "" {
		l.ok(MountAPI, "fsopen, fsmount, open_tree and move_mount work")
		return
	}
	l.broken(MountAPI, fmt.Sprintf("%s (kernel %s)", t.MountAPI, release),
		whyMounts,
		d.mendMounts("boot Linux 5.10 or newer (5.11 for rootless engines)"))
}

// mendMounts is for mounts that fail: inside of a container the engine's limits are the likelier cause.
func (d *doctor) mendMounts(otherwise string) string {
	if container := os.Getenv("container"); container != "" || exists("/.dockerenv") || exists("/run/.containerenv") {
		return "run this container with --privileged, or with --cap-add SYS_ADMIN --security-opt seccomp=unconfined --device /dev/fuse"
	}
	return otherwise
}

func (d *doctor) fuse(l *list, t *trials, release string) {
	if t.Fuse != "" {
		l.broken(FuseFilesystem, fmt.Sprintf("%s (kernel %s)", t.Fuse, release), "Every view is a FUSE filesystem.",
			d.mendMounts(d.sudo("modprobe fuse")))
		l.skip(FusePassthrough, "there is no FUSE")
		return
	}
	l.ok(FuseFilesystem, "a FUSE filesystem can be mounted")
	wanted := d.config.Staging.Data == "passthrough" && d.config.Staging.Driver != "overlay"
	switch {
	case t.Passthrough && !d.rootless():
		l.ok(FusePassthrough, `the kernel offers FUSE passthrough, for staging.data = "passthrough"`)
	case !wanted && t.Passthrough:
		l.ok(FusePassthrough, "the kernel offers FUSE passthrough, to root only; nothing here asks for it")
	case !wanted:
		l.ok(FusePassthrough, "the kernel offers no FUSE passthrough (Linux 6.9); nothing here asks for it")
	default:
		cause := "the kernel offers no FUSE passthrough (Linux 6.9)"
		if t.Passthrough {
			cause = "the kernel offers FUSE passthrough to root only"
		}
		l.degraded(FusePassthrough, cause+`, and staging.data is "passthrough"`,
			"Staged files go through the kernel's cache instead: each write is a request to the daemon.",
			`set data = "cached" below [staging] in `+d.configFile())
	}
}

// landlockNeeds is the version of Landlock by which a confined daemon may rename from one directory to another.
const landlockNeeds = 2

func (d *doctor) landlock(l *list) {
	const why = "Without it the daemon, which serves a job's requests, is confined by its capabilities alone."
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errno != 0:
		l.degraded(Landlock, fmt.Sprintf("landlock_create_ruleset: %v (kernel %s)", errno, kernelRelease()), why,
			"boot Linux 5.19 or newer with landlock in the list of the lsm= option; inside a container, allow the landlock system calls")
	case abi < landlockNeeds:
		l.degraded(Landlock,
			fmt.Sprintf("Landlock has version %d; version %d (Linux 5.19) is needed", abi, landlockNeeds), why,
			"boot Linux 5.19 or newer")
	default:
		l.ok(Landlock, fmt.Sprintf("Landlock version %d confines the daemon", abi))
	}
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return strings.TrimRight(string(u.Release[:]), "\x00")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
