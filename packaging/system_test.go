package packaging

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
)

// system is a root folder that packages are installed into.
type system struct {
	root string
	manager
}

// Each command gets a mount namespace in which the root folder is a mount, as runc needs it, with /proc, /dev and /sys.
const enter = `
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
`

func (s *system) command(script string, args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-euc", enter + script, "sh"}, args...)...)
	cmd.Env = []string{
		"root=" + s.root, "HOME=/root", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return cmd
}

// inside is a command in the system. chroot alone would not do: a hook that enters a container's mount namespace leaves it.
func (s *system) inside(args ...string) *exec.Cmd {
	return s.command(`cd "$root"; pivot_root . tmp; umount -l /tmp; cd /; exec "$@"`, args...)
}

// newBare makes a system that has a shell and runc. The package manager works on it from outside.
func newBare(t *testing.T, m manager) *system {
	t.Helper()
	root, err := os.MkdirTemp("", "casview-bare-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(root)) })
	must(t, os.Chmod(root, 0o755))
	for _, dir := range []string{"proc", "dev", "sys", "tmp", "run", "etc", "srv", "usr/bin", "usr/sbin", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(root, "etc/hostname"), []byte("bare\n"), 0o644)) // dpkg would remove an empty /etc
	for _, link := range []string{"bin", "sbin"} {
		must(t, os.Symlink("usr/"+link, filepath.Join(root, link)))
	}
	output(t, exec.Command("cp", find(t, "busybox"), filepath.Join(root, "usr/bin/busybox")))
	s := &system{root: root, manager: m}
	output(t, exec.Command("chroot", root, "/bin/busybox", "--install", "-s", "/usr/bin"))
	// Busybox's rm and rmdir lack options, and its shell prefers them.
	for _, program := range []string{"runc", "rm", "rmdir", "sh"} {
		s.copyProgram(t, find(t, program))
	}
	sh := filepath.Join(root, "usr/bin/sh")
	must(t, os.Remove(sh))
	must(t, os.Symlink(filepath.Base(find(t, "sh")), sh))
	return s
}

// copyProgram copies a program of this host with its libraries.
func (s *system) copyProgram(t *testing.T, program string) {
	t.Helper()
	libraries := output(t, exec.Command("ldd", program))
	files := append(regexp.MustCompile(`/\S+`).FindAllString(libraries, -1), program)
	for _, file := range files {
		to := filepath.Join(s.root, file)
		must(t, os.MkdirAll(filepath.Dir(to), 0o755))
		output(t, exec.Command("cp", "--dereference", "--remove-destination", file, to))
	}
}

func find(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	must(t, err)
	path, err = filepath.EvalSymlinks(path)
	must(t, err)
	return path
}

// others are the package manager's records about itself, which differ after each of its calls, and where the tests work.
var others = []string{"var/lib/dpkg", "var/lib/rpm", "var/lib/apt", "var/cache", "var/log", "run/runc", "srv", "tmp"}

// files lists everything in the system, with mode, owner and content.
func (s *system) files(t *testing.T) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(s.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.root, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t)
		line := fmt.Sprintf("%s %v %d:%d", name, info.Mode(), owner.Uid, owner.Gid)
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", sha256.Sum256(b))
		}
		if slices.Contains(others, name) {
			return fs.SkipDir
		}
		out = append(out, line)
		return nil
	}))
	return out
}

// wantSame fails the test for each file that came, went or changed.
func wantSame(t *testing.T, before, after []string) {
	t.Helper()
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("gone or changed: %s", line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Errorf("left behind: %s", line)
		}
	}
}
