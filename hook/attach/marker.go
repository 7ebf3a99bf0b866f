package attach

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// Marker is the name of the marker in the container's root. It is fixed: a job must be able to look for it without being
// told where.
const Marker = ".casview"

const markerMode = 0o444

// here keeps a name from leading anywhere else.
const here = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS

// openMarker opens the file that the marker will cover, which it makes if the image has none. It runs on the thread.
func (p *Place) openMarker() error {
	var err error
	p.marker, err = openEntry(p.root, Marker, 0)
	if errors.Is(err, unix.ENOENT) {
		fresh, refused := makeFile(p.root, Marker, p.request.Root)
		if refused != nil {
			return fmt.Errorf("make the file: %w (put an empty file there into the image, or set view.marker = false)", refused)
		}
		if fresh {
			p.created = append(p.created, Marker)
		}
		p.marker, err = openEntry(p.root, Marker, 0)
	}
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	if err := isFile(p.marker); err != nil {
		return fmt.Errorf("%w: remove it from the image, or set view.marker = false", err)
	}
	return p.notSharedMarker()
}

// notSharedMarker saves reading the mounts once more where the marker is on the same one as the target, as it mostly is.
func (p *Place) notSharedMarker() error {
	of, err := mountID(p.marker)
	if err != nil {
		return err
	}
	target, err := mountID(p.dir)
	if err != nil || of == target {
		return err
	}
	return p.thread.notShared(p.marker)
}

// openEntry opens what is called name in dir as a handle only, whatever it is.
func openEntry(dir *os.File, name string, resolve uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: here | resolve}
	return openat2(dir, name, &how)
}

func isFile(f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return nil
	case unix.S_IFDIR:
		return errors.New("is a directory")
	case unix.S_IFLNK:
		return errors.New("is a symlink")
	}
	return errors.New("is not a regular file")
}

// isEmptyFile is ENOTEMPTY for anything else: it is not what makeFile made, or somebody has put it to use.
func isEmptyFile(f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != 0 {
		return unix.ENOTEMPTY
	}
	return nil
}

// makeFile makes an empty file that belongs to the container's root. Nobody writes to it: what is seen there is mounted.
// Another container's hook may have made it meanwhile: then fresh is false.
func makeFile(dir *os.File, name string, owner rundir.Owner) (fresh bool, err error) {
	how := unix.OpenHow{
		Flags: unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC, Mode: markerMode, Resolve: here,
	}
	f, err := openat2(dir, name, &how)
	if errors.Is(err, unix.EOVERFLOW) { // see makeDir
		err = asUser(owner, func() (err error) {
			f, err = openat2(dir, name, &how)
			return err
		})
	} else if err == nil {
		_ = f.Chown(int(owner.UID), int(owner.GID)) // see makeDir
	}
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// ReadOnlyFile is a detached mount of one file of this mount namespace, for Mark. Whoever sees it can't change the file.
func ReadOnlyFile(path string) (*os.File, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return nil, fmt.Errorf("%s: open_tree: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	// Private: a mount made from one that is shared would be its peer.
	attr := unix.MountAttr{
		Attr_set:    unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
		Propagation: unix.MS_PRIVATE,
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		f.Close()
		if errors.Is(err, unix.ENOSYS) {
			err = fmt.Errorf("%w (view.marker needs Linux 5.12)", err)
		}
		return nil, fmt.Errorf("%s: mount_setattr: %w", path, err)
	}
	return f, nil
}
