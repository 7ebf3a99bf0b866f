// Package beneath opens paths below a directory handle, of any length and never through a symlink. It is what reads and
// writes trees that somebody else may have prepared.
package beneath

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// atOnce is less than PATH_MAX: longer paths are opened in several steps.
const atOnce = 4000

// retries bounds how often an open is repeated while somebody renames directories above it.
const retries = 128

// Open opens path, relative and normalised, below the directory root; "" is root itself. A symlink anywhere in it fails
// with ELOOP. O_CLOEXEC is set. The descriptor is the caller's to close.
func Open(root int, path string, flags int, mode uint32) (int, error) {
	if len(path) <= atOnce {
		return open(root, path, flags, mode)
	}
	cut := strings.LastIndexByte(path[:atOnce], '/')
	if cut < 0 {
		return -1, unix.ENAMETOOLONG
	}
	dir, err := open(root, path[:cut], unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	return Open(dir, path[cut+1:], flags, mode)
}

// Parent opens the directory that path is in, as an O_PATH handle, and returns the last part of path.
func Parent(root int, path string) (dir int, name string, err error) {
	at := strings.LastIndexByte(path, '/')
	dir, err = Open(root, path[:max(at, 0)], unix.O_PATH|unix.O_DIRECTORY, 0)
	return dir, path[at+1:], err
}

func open(root int, path string, flags int, mode uint32) (int, error) {
	if path == "" {
		path = "."
	}
	how := unix.OpenHow{
		Flags:   uint64(flags) | unix.O_CLOEXEC,
		Mode:    uint64(mode),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	}
	for try := 0; ; try++ {
		fd, err := unix.Openat2(root, path, &how)
		if err == unix.EINTR || (err == unix.EAGAIN && try < retries) {
			continue
		}
		return fd, err
	}
}

// Chmod changes the mode of what fd is a handle of, which may be an O_PATH handle: by fchmodat2 (Linux 6.6), or through
// the handle's name in /proc before that.
func Chmod(fd int, mode uint32) error {
	err := unix.Fchmodat(fd, "", mode, unix.AT_EMPTY_PATH)
	if err == unix.ENOSYS || err == unix.EOPNOTSUPP {
		err = unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode)
	}
	return err
}
