package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// pathCalls change names.
var pathCalls = map[string]callFunc{
	"mkdir":   func(_ *caller, a *args) (string, error) { return "", unix.Mkdir(a.str(0), a.octal(1)) },
	"rmdir":   func(_ *caller, a *args) (string, error) { return "", unix.Rmdir(a.str(0)) },
	"unlink":  func(_ *caller, a *args) (string, error) { return "", unix.Unlink(a.str(0)) },
	"rename":  func(_ *caller, a *args) (string, error) { return "", unix.Rename(a.str(0), a.str(1)) },
	"link":    func(_ *caller, a *args) (string, error) { return "", unix.Link(a.str(0), a.str(1)) },
	"symlink": func(_ *caller, a *args) (string, error) { return "", unix.Symlink(a.str(0), a.str(1)) },
	"mkfifo":  func(_ *caller, a *args) (string, error) { return "", unix.Mkfifo(a.str(0), a.octal(1)) },
	// mkchar PATH: the device 0:0
	"mkchar": func(_ *caller, a *args) (string, error) { return "", unix.Mknod(a.str(0), unix.S_IFCHR|0o600, 0) },
	"chdir":  func(_ *caller, a *args) (string, error) { return "", unix.Chdir(a.str(0)) },
	"fchdir": func(c *caller, a *args) (string, error) { return "", unix.Fchdir(c.fd(a, 0)) },
	"renameat": func(c *caller, a *args) (string, error) {
		return "", unix.Renameat(c.at(a, 0), a.str(1), c.at(a, 2), a.str(3))
	},
	// linkfd NAME PATH: gives an open file a name
	"linkfd": func(c *caller, a *args) (string, error) {
		from := fmt.Sprintf("/proc/self/fd/%d", c.fd(a, 0))
		return "", unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, a.str(1), unix.AT_SYMLINK_FOLLOW)
	},
	"getcwd": func(*caller, *args) (string, error) {
		buf := make([]byte, unix.PathMax)
		n, err := unix.Getcwd(buf)
		return string(buf[:max(n, 0)]), err
	},
	"noreplace": func(_ *caller, a *args) (string, error) {
		return "", unix.Renameat2(unix.AT_FDCWD, a.str(0), unix.AT_FDCWD, a.str(1), unix.RENAME_NOREPLACE)
	},
	"exchange": func(_ *caller, a *args) (string, error) {
		return "", unix.Renameat2(unix.AT_FDCWD, a.str(0), unix.AT_FDCWD, a.str(1), unix.RENAME_EXCHANGE)
	},
	"umask": func(_ *caller, a *args) (string, error) { unix.Umask(int(a.octal(0))); return "", nil },
	// put writes a whole file, made with mode 0666 less the umask.
	"put": func(_ *caller, a *args) (string, error) { return "", os.WriteFile(a.str(0), []byte(a.str(1)), 0o666) },
	"content": func(_ *caller, a *args) (string, error) {
		b, err := os.ReadFile(a.str(0))
		return string(b), err
	},
	// list is the names in a directory, sorted.
	"list": func(_ *caller, a *args) (string, error) {
		entries, err := os.ReadDir(a.str(0))
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name()
		}
		slices.Sort(names)
		return strings.Join(names, " "), err
	},
	// run executes a program and returns what it prints.
	"run": func(_ *caller, a *args) (string, error) {
		cmd := exec.Command(a.str(0), a.list[1:]...)
		cmd.Path = a.str(0) // and not by PATH
		cmd.Err = nil
		out, err := cmd.Output()
		return string(out), err
	},
	"access": func(_ *caller, a *args) (string, error) {
		return "", unix.Access(a.str(0), uint32(a.octal(1)))
	},
}
