package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// removeTree is os.RemoveAll for trees that a job made: os.RemoveAll holds a descriptor for each level, so a job that
// goes down a few thousand levels makes a tree that it can't remove. This one moves what is too deep up to the top and
// goes on from there.
func removeTree(path string) error {
	top, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer top.Close()
	r := remover{top: top}
	for again := true; again; {
		hoisted := r.hoisted
		if err := r.empty(top, 0); err != nil {
			return fmt.Errorf("remove %s: %w", path, err)
		}
		again = r.hoisted > hoisted
	}
	return os.Remove(path)
}

type remover struct {
	top     *os.File
	hoisted int // directories moved to the top so far
}

const maxDepth = 32

// empty removes everything in dir; directories below maxDepth go to the top instead.
func (r *remover) empty(dir *os.File, depth int) error {
	if _, err := dir.Seek(0, 0); err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.remove(dir, name, depth); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return nil
}

func (r *remover) remove(dir *os.File, name string, depth int) error {
	at := int(dir.Fd())
	err := unix.Unlinkat(at, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	// unlink of a directory is EISDIR on Linux, EPERM in POSIX; EPERM has other causes too.
	if !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EPERM) {
		return err
	}
	notEmpty := unix.Unlinkat(at, name, unix.AT_REMOVEDIR)
	switch {
	case notEmpty == nil:
		return nil
	case errors.Is(notEmpty, unix.ENOTDIR):
		return err
	case !errors.Is(notEmpty, unix.ENOTEMPTY) && !errors.Is(notEmpty, unix.EEXIST):
		return notEmpty
	case depth >= maxDepth:
		return r.hoist(at, name)
	}
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	child := os.NewFile(uintptr(fd), name)
	err = r.empty(child, depth+1)
	child.Close()
	if err != nil {
		return err
	}
	err = unix.Unlinkat(at, name, unix.AT_REMOVEDIR)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// hoist moves a directory to the top, under a name that is free there.
func (r *remover) hoist(at int, name string) error {
	for {
		r.hoisted++
		err := unix.Renameat2(at, name, int(r.top.Fd()), fmt.Sprintf("hoisted-%d", r.hoisted), unix.RENAME_NOREPLACE)
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
}
