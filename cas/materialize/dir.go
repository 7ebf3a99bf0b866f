package materialize

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/casview/casview/cas/internal/beneath"
	"golang.org/x/sys/unix"
)

// directory is what is known of a directory below the one that is written to.
type directory struct {
	exists bool
	made   bool  // by this writer
	listed bool  // by an item that is to be written, not only as somebody's parent
	item   *Item // nil if none came yet
}

// ownerBits are what the writer needs on a directory while it is at work.
const ownerBits = 0o700

func (w *writer) directory(i Item) error {
	d := w.dirs[i.Path]
	if d == nil {
		d = new(directory)
		w.dirs[i.Path] = d
	}
	d.item = &i
	if i.Path == "" || !w.options.matches(i.Path) {
		return nil
	}
	d.listed = true
	if err := w.makeParents(i.Path); err != nil {
		return err
	}
	return w.make(i.Path, d)
}

// makeParents makes the directories above path.
func (w *writer) makeParents(path string) error {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return nil
	}
	parent := path[:at]
	d := w.dirs[parent]
	if d != nil && d.exists {
		return nil
	}
	if err := w.makeParents(parent); err != nil {
		return err
	}
	if d == nil {
		d = new(directory)
		w.dirs[strings.Clone(parent)] = d
	}
	return w.make(parent, d)
}

// make makes the directory path, whose parent exists.
func (w *writer) make(path string, d *directory) error {
	if d.exists && d.made {
		return nil
	}
	parent, name, err := beneath.Parent(w.root, path)
	if err != nil {
		return parentError(err)
	}
	defer unix.Close(parent)
	switch err := unix.Mkdirat(parent, name, ownerBits); err {
	case nil:
		d.made = true
		w.counts.add(func(s *Stats) { s.Dirs++ })
	case unix.EEXIST:
		if err := w.openUp(parent, name, d); err != nil {
			return err
		}
	default:
		return os.NewSyscallError("mkdir", err)
	}
	d.exists = true
	return nil
}

// openUp makes sure that what exists is a directory, and that a listed one can be written to: it may come from an earlier
// call and have a mode that forbids it.
func (w *writer) openUp(parent int, name string, d *directory) error {
	var st unix.Stat_t
	if err := unix.Fstatat(parent, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("stat", err)
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return errors.New("a symlink is where a directory must be, and is not followed")
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return errors.New("a file is where a directory must be")
	case !d.listed || st.Mode&ownerBits == ownerBits:
		return nil
	}
	// By handle: the name may be a symlink by now.
	fd, err := beneath.Open(parent, name, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return os.NewSyscallError("open", err)
	}
	defer unix.Close(fd)
	if err := beneath.Chmod(fd, st.Mode&0o7777|ownerBits); err != nil {
		return os.NewSyscallError("chmod", err)
	}
	return nil
}

// defaultMode is for directories that no item describes.
const defaultMode = 0o755

// finishDirs sets modes and mtimes, children before parents: a parent may then be closed to its owner.
func (w *writer) finishDirs() error {
	var paths []string
	for path, d := range w.dirs {
		if d.made || (d.listed && d.exists) || (path == "" && w.isNew && d.item != nil) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range slices.Backward(paths) {
		if err := w.finishDir(path, w.dirs[path].item); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
	}
	return nil
}

func (w *writer) finishDir(path string, i *Item) error {
	fd, err := beneath.Open(w.root, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return os.NewSyscallError("open", err)
	}
	defer unix.Close(fd)
	mode := uint32(defaultMode)
	if i != nil {
		mode = i.Mode & safeMode
		if err := setMtime(fd, ".", *i); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(fd, mode); err != nil {
		return os.NewSyscallError("chmod", err)
	}
	return nil
}

// safeMode leaves out setuid and setgid. Owners are not part of a tree: what is materialized belongs to whoever does it, often
// root, and would lend root's rights to everybody.
const safeMode = 0o1777

func setMtime(dir int, name string, i Item) error {
	ts := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Sec: i.MtimeSec, Nsec: int64(i.MtimeNsec)}}
	if err := unix.UtimesNanoAt(dir, name, ts, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("utimensat", err)
	}
	return nil
}

func parentError(err error) error {
	if err == unix.ELOOP {
		return errors.New("a symlink is on the way, and is not followed")
	}
	return fmt.Errorf("open parent: %w", err)
}
