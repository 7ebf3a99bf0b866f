package upper

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// A whiteout says that the input of its name was deleted. It is a character device with number 0:0, or where no such
// device can be made an empty regular file with the attribute that Xattrs.Whiteout names, in a directory that is marked
// with XattrWhiteoutsValue. See Xattrs.IsWhiteout.
const (
	WhiteoutMode = unix.S_IFCHR
	WhiteoutDev  = 0
)

// IsWhiteout says whether what stands at a name is a whiteout of either kind. dir is the open directory and m are its
// marks; st is what lstat told. It makes no system call but for empty regular files in a directory with
// m.XattrWhiteouts.
func (x Xattrs) IsWhiteout(dir *os.File, m Marks, name string, st *unix.Stat_t) (bool, error) {
	if st.Mode&unix.S_IFMT == WhiteoutMode && st.Rdev == WhiteoutDev {
		return true, nil
	}
	if !m.XattrWhiteouts || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != 0 {
		return false, nil
	}
	// There is no lgetxattrat before Linux 6.13. The file itself can't be opened: its mode may forbid it.
	path := "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + name
	_, err := unix.Lgetxattr(path, x.Whiteout(), nil)
	switch {
	case err == nil:
		return true, nil
	case isAbsent(err), errors.Is(err, unix.EACCES) && st.Mode&unix.S_IRUSR == 0:
		// A process without CAP_DAC_OVERRIDE reads no user.* of an unreadable file. A Writer's whiteouts are readable.
		return false, nil
	}
	return false, fmt.Errorf("%s: %s: %w", name, x.Whiteout(), err)
}

// shared is the xattr whiteout in the work directory to which all others are hard links, as overlayfs itself does with
// its devices since Linux 5.8: it takes one system call and no inode, and no name is ever an empty file without the
// mark.
const shared = "whiteout"

// Whiteout makes a whiteout at a name that must not exist (fs.ErrExist). dir is open for reading, not O_PATH. In an
// opaque directory there is nothing to hide, so none need be made.
func (w Writer) Whiteout(dir *os.File, name string) error {
	if w.devices {
		return wrap(unix.Mknodat(int(dir.Fd()), name, WhiteoutMode, WhiteoutDev), "whiteout", dir, name)
	}
	opaque, err := w.expectXattrWhiteouts(dir)
	if err != nil {
		return err
	}
	if opaque {
		return mustNotExist(dir, name)
	}
	return wrap(w.link(dir, name), "whiteout", dir, name)
}

// ReplaceByWhiteout makes a whiteout of a name that exists and is no directory. At no moment is the name free. dir is
// as for Whiteout; in an opaque directory, where there is nothing to hide, the name may be gone afterwards instead.
func (w Writer) ReplaceByWhiteout(dir *os.File, name string) error {
	if !w.devices {
		opaque, err := w.expectXattrWhiteouts(dir)
		if err != nil {
			return err
		}
		if opaque {
			return wrap(unix.Unlinkat(int(dir.Fd()), name, 0), "remove", dir, name)
		}
	}
	temp, err := w.inWork(func(temp string) error {
		if w.devices {
			return unix.Mknodat(int(w.work.Fd()), temp, WhiteoutMode, WhiteoutDev)
		}
		return w.link(w.work, temp)
	})
	if err != nil {
		return fmt.Errorf("whiteout: %w", err)
	}
	err = unix.Renameat(int(w.work.Fd()), temp, int(dir.Fd()), name)
	// It is still there after an error, and where name is a link to the same whiteout: then rename does nothing.
	if gone := unix.Unlinkat(int(w.work.Fd()), temp, 0); err == nil && gone != nil && !errors.Is(gone, unix.ENOENT) {
		err = gone
	}
	return wrap(err, "whiteout", dir, name)
}

// expectXattrWhiteouts marks a directory as one that may have xattr whiteouts, unless it is opaque.
func (w Writer) expectXattrWhiteouts(dir *os.File) (opaque bool, err error) {
	value, err := w.xattrs.opaque(dir)
	if err != nil || value != "" {
		return value == OpaqueValue, err
	}
	err = w.set(dir, w.xattrs.Opaque(), XattrWhiteoutsValue, unix.XATTR_CREATE)
	if !errors.Is(err, unix.EEXIST) {
		return false, err
	}
	// Somebody else was faster.
	if value, err = w.xattrs.opaque(dir); err == nil && value == "" {
		err = fmt.Errorf("%s: %s has a value that means nothing", dir.Name(), w.xattrs.Opaque())
	}
	return value == OpaqueValue, err
}

// link makes a name another link to the shared whiteout, and a new shared one where there is none yet or where it has
// as many links as the filesystem allows (65,000 on ext4).
func (w Writer) link(dir *os.File, name string) error {
	for tries := 0; ; tries++ {
		err := unix.Linkat(int(w.work.Fd()), shared, int(dir.Fd()), name, 0)
		again := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EMLINK)
		if !again || tries == 3 {
			return err
		}
		if err := w.share(); err != nil {
			return err
		}
	}
}

// share makes a new shared whiteout, which takes the place of an older one.
func (w Writer) share() error {
	var fd int
	temp, err := w.inWork(func(temp string) (err error) {
		fd, err = unix.Openat(int(w.work.Fd()), temp, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	err = unix.Fsetxattr(fd, w.xattrs.Whiteout(), []byte(OpaqueValue), 0)
	unix.Close(fd)
	if err == nil {
		err = unix.Renameat(int(w.work.Fd()), temp, int(w.work.Fd()), shared)
	}
	if err != nil {
		_ = unix.Unlinkat(int(w.work.Fd()), temp, 0)
		return fmt.Errorf("%s: %w", w.xattrs.Whiteout(), err)
	}
	return nil
}

func mustNotExist(dir *os.File, name string) error {
	var st unix.Stat_t
	err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case err == nil:
		err = unix.EEXIST
	case errors.Is(err, unix.ENOENT):
		err = nil
	}
	return wrap(err, "whiteout", dir, name)
}

func wrap(err error, what string, dir *os.File, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s/%s: %w", what, dir.Name(), name, err)
}
