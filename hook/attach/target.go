package attach

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// inRoot keeps resolution of a path below a directory: absolute symlinks and ".." stay inside, and the links of /proc that
// lead anywhere are refused.
const inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS

// openDir opens a directory as a handle only (O_PATH).
func openDir(at *os.File, name string, resolve uint64) (*os.File, error) {
	return openat2(at, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: resolve})
}

func openat2(at *os.File, name string, how *unix.OpenHow) (*os.File, error) {
	// The call gives EAGAIN when a rename anywhere on the host raced with a "..": openat2(2).
	for range 128 {
		fd, err := unix.Openat2(int(at.Fd()), name, how)
		if err == nil {
			return os.NewFile(uintptr(fd), name), nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
	return nil, unix.EAGAIN
}

// find opens the deepest part of the target that exists below root. rest are the names still to be made.
func find(root *os.File, target string) (dir *os.File, rest []string, err error) {
	names := strings.Split(strings.TrimPrefix(target, "/"), "/")
	for n := len(names); n >= 0; n-- {
		dir, err = openDir(root, path.Join(".", path.Join(names[:n]...)), inRoot)
		switch {
		case err == nil:
			return dir, names[n:], nil
		case errors.Is(err, unix.ENOTDIR):
			return nil, nil, errors.New("is not a directory in the container, or is below something that is not")
		case errors.Is(err, unix.ELOOP):
			return nil, nil, fmt.Errorf("leads through a loop of symlinks, or through /proc: %w", err)
		case !errors.Is(err, unix.ENOENT):
			return nil, nil, fmt.Errorf("openat2: %w", err)
		}
	}
	return nil, nil, fmt.Errorf("the container's root filesystem: %w", err)
}

// below is the path of dir relative to root, absolute in the container ("/etc"). It differs from what was asked for where
// the image has a symlink in the way.
func (t *thread) below(root, dir *os.File) (string, error) {
	base, err := t.path(root)
	if err != nil {
		return "", err
	}
	full, err := t.path(dir)
	if err != nil {
		return "", err
	}
	base = strings.TrimSuffix(base, "/")
	rel, ok := strings.CutPrefix(full, base)
	if !ok || (rel != "" && rel[0] != '/') {
		return "", fmt.Errorf("is outside of the root filesystem, at %.256q", full)
	}
	return path.Join("/", rel), nil
}
