package attach

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

const dirMode = 0o755

// makeDirs makes names below dir, one in the other, by handle, and returns the innermost. made are those that this call
// made, as paths relative to dir, even on error; the others appeared meanwhile. dir stays open.
func makeDirs(dir *os.File, names []string, owner rundir.Owner) (last *os.File, made []string, err error) {
	last = dir
	for i, name := range names {
		next, fresh, err := makeAndOpen(last, name, owner)
		if fresh {
			made = append(made, path.Join(names[:i+1]...))
		}
		if last != dir {
			last.Close()
		}
		if err != nil {
			return nil, made, err
		}
		last = next
	}
	return last, made, nil
}

func makeAndOpen(parent *os.File, name string, owner rundir.Owner) (dir *os.File, fresh bool, err error) {
	fresh, err = makeDir(parent, name, owner)
	if err == nil {
		dir, err = openDir(parent, name, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)
	}
	switch {
	case errors.Is(err, unix.ELOOP):
		err = fmt.Errorf("%q is a symlink that leads nowhere", name)
	case errors.Is(err, unix.ENOTDIR):
		err = fmt.Errorf("%q is not a directory", name)
	case errors.Is(err, unix.EROFS):
		err = fmt.Errorf("make directory %q: %w: make it in the image, or mount a volume or tmpfs at the target", name, err)
	case err != nil:
		err = fmt.Errorf("make directory %q: %w", name, err)
	}
	return dir, fresh, err
}

// makeDir makes one directory that belongs to the container's root. That it exists is no error.
func makeDir(parent *os.File, name string, owner rundir.Owner) (fresh bool, err error) {
	err = unix.Mkdirat(int(parent.Fd()), name, dirMode)
	if errors.Is(err, unix.EOVERFLOW) {
		// The root filesystem is an idmapped mount on which this process's user has no number.
		err = asUser(owner, func() error { return unix.Mkdirat(int(parent.Fd()), name, dirMode) })
		return err == nil, err
	}
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Only somebody who looks at the parent sees the owner: the view covers the target. So a filesystem that refuses is fine.
	_ = unix.Fchownat(int(parent.Fd()), name, int(owner.UID), int(owner.GID), unix.AT_SYMLINK_NOFOLLOW)
	return true, nil
}

// asUser runs a call with another user's number for files. Linux keeps that number for each thread, so this must run on a
// locked one.
func asUser(u rundir.Owner, call func() error) error {
	gid, err := unix.SetfsgidRetGid(int(u.GID))
	if err != nil {
		return err
	}
	defer unix.Setfsgid(gid)
	uid, err := unix.SetfsuidRetUid(int(u.UID))
	if err != nil {
		return err
	}
	defer unix.Setfsuid(uid)
	return call()
}
