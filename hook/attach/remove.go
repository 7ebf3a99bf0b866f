package attach

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// Remove removes what Find made, innermost first, as far as it is there and empty. It goes by handle below the root
// filesystem and follows no symlink.
//
// Since Linux 3.18 rmdir and unlink unmount what other mount namespaces have mounted there, without a word to them. So
// what something is mounted on in any of them stays, and what that can't be told of. What is mounted between the
// look and the removal is not seen: the caller makes sure that no view is attached meanwhile.
func Remove(a rundir.Attachment) error {
	if len(a.Created) == 0 {
		return nil
	}
	root, err := os.OpenFile(a.Rootfs, unix.O_PATH|unix.O_DIRECTORY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the engine has removed the root filesystem already, or unmounted it
	}
	if err != nil {
		return err
	}
	defer root.Close()
	used, err := findMountPoints()
	if err != nil {
		return fmt.Errorf("directories in %s stay: mounts of other processes: %w", a.Rootfs, err)
	}
	for _, created := range slices.Backward(a.Created) {
		err := removeMade(root, created, used)
		switch {
		case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTEMPTY), errors.Is(err, unix.EEXIST), errors.Is(err, errInUse):
		case err != nil:
			return fmt.Errorf("remove %s in %s: %w", printable(created), a.Rootfs, err)
		}
	}
	return nil
}

// errInUse says that something is mounted on it somewhere. The directories around it are not empty then.
var errInUse = errors.New("something is mounted on it")

// removeMade removes a directory, or the file that the marker covers.
func removeMade(root *os.File, name string, used *mountPoints) error {
	parent, err := openDir(root, path.Dir(name), here|unix.RESOLVE_NO_XDEV)
	if err != nil {
		return err
	}
	defer parent.Close()
	made, err := openEntry(parent, path.Base(name), unix.RESOLVE_NO_XDEV)
	if errors.Is(err, unix.EXDEV) {
		return errInUse // here
	}
	if err != nil {
		return err
	}
	defer made.Close()
	at, err := spotOf(made)
	if err != nil {
		return err
	}
	if used.has(at) {
		return errInUse
	}
	if name != Marker {
		return unix.Unlinkat(int(parent.Fd()), path.Base(name), unix.AT_REMOVEDIR)
	}
	if err := isEmptyFile(made); err != nil {
		return err
	}
	return unix.Unlinkat(int(parent.Fd()), name, 0)
}

// printable quotes a name from an image where it could fake lines in a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '�' }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}
