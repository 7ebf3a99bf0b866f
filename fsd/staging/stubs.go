package staging

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/view"
)

// mountStubs makes a filesystem in memory, detached, with a stub for each large file: an empty file with the attributes of
// the real one and overlayfs's marks that say where its content is.
//
// It is not a second FUSE filesystem because those have no uuid, and overlayfs does not follow the handles of lower files if
// two layers have the same (bad_uuid in fs/overlayfs): a second name of a copied-up file had another st_ino. Layers without
// names are not asked for theirs. Seen on Linux 6.18: TestFSX, TestModel.
func mountStubs(l *view.Large, source string) (*os.File, error) {
	c := openFS("tmpfs")
	defer c.close()
	c.set("source", source)
	c.set("mode", "0755")
	mount, err := c.mount(0)
	if err != nil {
		return nil, err
	}
	for _, s := range l.Stubs() {
		if err := makeStub(int(mount.Fd()), s); err != nil {
			mount.Close()
			return nil, fmt.Errorf("stub of %q: %w", s.Path, err)
		}
	}
	return mount, nil
}

func makeStub(root int, s view.Stub) error {
	dir, err := makeStubDir(root, path.Dir(s.Path))
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, path.Base(s.Path), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return describeStub(fd, s)
}

// makeStubDir opens the directory at path below root, making what is missing. Its attributes are not seen: the view's are.
func makeStubDir(root int, dir string) (int, error) {
	if dir == "." {
		return unix.Dup(root)
	}
	parent, err := makeStubDir(root, path.Dir(dir))
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	if err := unix.Mkdirat(parent, path.Base(dir), 0o755); err != nil && err != unix.EEXIST {
		return -1, err
	}
	return unix.Openat(parent, path.Base(dir), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// describeStub sets everything that the job sees of the file. The owner comes before the mode, of which changing it clears
// bits, and the time last.
func describeStub(fd int, s view.Stub) error {
	if err := unix.Ftruncate(fd, int64(s.Attr.Size)); err != nil {
		return err
	}
	if err := unix.Fsetxattr(fd, "trusted.overlay.metacopy", nil, 0); err != nil {
		return err
	}
	if err := unix.Fsetxattr(fd, "trusted.overlay.redirect", []byte(s.Content), 0); err != nil {
		return err
	}
	if err := unix.Fchown(fd, int(s.Attr.Uid), int(s.Attr.Gid)); err != nil {
		return err
	}
	if err := unix.Fchmod(fd, s.Attr.Mode&^unix.S_IFMT); err != nil {
		return err
	}
	mtime := unix.Timespec{Sec: int64(s.Attr.Mtime), Nsec: int64(s.Attr.Mtimensec)}
	return unix.UtimesNanoAt(fd, "", []unix.Timespec{mtime, mtime}, unix.AT_EMPTY_PATH)
}
