package upper

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Writer makes marks in one staging tree. It is a value, and safe for concurrent use. The zero Writer makes none.
type Writer struct {
	work    *os.File
	xattrs  Xattrs
	devices bool // whiteouts are devices
}

// NewWriter finds out by trying, in the work directory, how marks can be made on its filesystem. The work directory, in
// which nothing of what was tried stays, must stay open and belong to this staging tree alone as long as the Writer is
// used. It may be open with O_PATH.
//
// Attributes are trusted.overlay.* where these can be written, since no job can reach them. They can't be in a user
// namespace, on NFS (which has user.* since Linux 5.9) and on an overlayfs before Linux 6.7; there they are
// user.overlay.*.
//
// Whiteouts are devices, unless the filesystem refuses them, as every overlayfs does.
//
// The error names the directory and what its filesystem refuses.
func NewWriter(work *os.File) (Writer, error) {
	w := Writer{work: work}
	if err := w.try(); err != nil {
		return Writer{}, fmt.Errorf("no overlay marks can be made in %s: %w", work.Name(), err)
	}
	return w, nil
}

// Xattrs is the namespace in which the Writer makes its marks.
func (w Writer) Xattrs() Xattrs { return w.xattrs }

// SetOpaque hides the input directory of a directory's path. dir is open for reading, not O_PATH. Whiteouts in it,
// which hide nothing any more, must be removed before: ENOTEMPTY says that there are some that would become empty
// files.
func (w Writer) SetOpaque(dir *os.File) error {
	err := w.set(dir, w.xattrs.Opaque(), OpaqueValue, unix.XATTR_CREATE)
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	m, err := w.xattrs.Read(dir)
	if err != nil || m.Opaque {
		return err
	}
	if m.XattrWhiteouts {
		if err := w.mustHaveNoWhiteouts(dir, m); err != nil {
			return err
		}
	}
	return w.set(dir, w.xattrs.Opaque(), OpaqueValue, 0)
}

func (w Writer) mustHaveNoWhiteouts(dir *os.File, m Marks) error {
	list, err := openDir(dir, ".") // dir's own offset is the caller's
	if err != nil {
		return err
	}
	defer list.Close()
	names, err := list.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		var st unix.Stat_t
		if err := unix.Fstatat(int(list.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return wrap(err, "stat", dir, name)
		}
		is, err := w.xattrs.IsWhiteout(list, m, name, &st)
		if err != nil {
			return err
		}
		if is {
			return wrap(unix.ENOTEMPTY, "opaque directory: whiteout", dir, name)
		}
	}
	return nil
}

// SetRedirect says where an input directory was before it was renamed: a name in the input directory that the parent is
// merged with, or a path from the inputs' root that starts with '/'. dir is open for reading, not O_PATH. What
// overlayfs would refuse is EINVAL; a path that is too long for the filesystem's attributes is ENOSPC, E2BIG or ERANGE.
// Overlayfs itself follows redirects in trusted.overlay.* only: with userxattr it refuses the whole directory (EPERM,
// seen on Linux 6.18). Collection follows both.
func (w Writer) SetRedirect(dir *os.File, to string) error {
	if !validRedirect(to) {
		return fmt.Errorf("%s: %s: %q is not a redirect: %w", dir.Name(), w.xattrs.Redirect(), to, unix.EINVAL)
	}
	return w.set(dir, w.xattrs.Redirect(), to, 0)
}

func (w Writer) set(dir *os.File, name, value string, flags int) error {
	if err := unix.Fsetxattr(int(dir.Fd()), name, []byte(value), flags); err != nil {
		return fmt.Errorf("%s: %s: %w", dir.Name(), name, err)
	}
	return nil
}

// try fills in how marks are made.
func (w *Writer) try() error {
	name, err := w.inWork(func(temp string) error { return unix.Mkdirat(int(w.work.Fd()), temp, 0o700) })
	if err != nil {
		return err
	}
	defer func() { _ = unix.Unlinkat(int(w.work.Fd()), name, unix.AT_REMOVEDIR) }()
	dir, err := openDir(w.work, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := w.tryXattrs(dir); err != nil {
		return err
	}
	w.devices = true
	refused := w.tryWhiteout(dir)
	if refused == nil {
		return nil
	}
	w.devices = false
	err = w.tryWhiteout(dir)
	_ = unix.Unlinkat(int(w.work.Fd()), shared, 0)
	if err != nil {
		return fmt.Errorf("whiteouts: as a device: %w; as a file: %w", refused, err)
	}
	return nil
}

func (w *Writer) tryXattrs(dir *os.File) error {
	var refused []error
	for _, w.xattrs = range []Xattrs{Trusted, User} {
		err := unix.Fsetxattr(int(dir.Fd()), w.xattrs.Opaque(), []byte(XattrWhiteoutsValue), 0)
		if err == nil {
			var kept string
			if kept, err = w.xattrs.opaque(dir); err == nil && kept == XattrWhiteoutsValue {
				return nil
			}
		}
		if err == nil {
			err = errors.New("set, and not kept")
		}
		refused = append(refused, fmt.Errorf("%s: %w", w.xattrs.Opaque(), err))
	}
	return fmt.Errorf("extended attributes: %w; %w", refused[0], refused[1])
}

// tryWhiteout makes one and looks at it.
func (w *Writer) tryWhiteout(dir *os.File) error {
	const name = "try"
	if err := w.Whiteout(dir, name); err != nil {
		return err
	}
	defer func() { _ = unix.Unlinkat(int(dir.Fd()), name, 0) }()
	var st unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	is, err := w.xattrs.IsWhiteout(dir, Marks{XattrWhiteouts: true}, name, &st)
	if err == nil && !is {
		err = fmt.Errorf("a whiteout became a file of mode %#o, device %#x", st.Mode, st.Rdev)
	}
	return err
}

// inWork makes something in the work directory under a name that nobody else has.
func (w Writer) inWork(mk func(temp string) error) (string, error) {
	for {
		temp := "." + rand.Text()
		err := mk(temp)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return "", wrap(err, "make", w.work, temp)
		}
		return temp, nil
	}
}

func openDir(at *os.File, name string) (*os.File, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(int(at.Fd()), name, flags, 0)
	if err != nil {
		return nil, wrap(err, "open", at, name)
	}
	return os.NewFile(uintptr(fd), at.Name()+"/"+name), nil
}
