package cas

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/internal/beneath"
)

// AdoptMode says what becomes of the file that a store adopts.
type AdoptMode int

const (
	// AdoptMove takes the file itself: by link or rename, else by reflink, else by copying. Afterwards its name is gone.
	AdoptMove AdoptMode = iota
	// AdoptLink is AdoptMove that leaves the name, for the caller to remove: until then the blob can be reached by it.
	// Where nothing but a rename makes the file a blob, the name is gone.
	AdoptLink
	// AdoptCopy leaves the file, which somebody may still write to: by reflink or copying, hashed again on the way.
	AdoptCopy
)

// Adoption says how a file came into the store.
type Adoption struct {
	Moved     bool  // the file itself became the blob
	Reflinked bool  // the blob shares the file's blocks
	Existed   bool  // the store had the blob already
	Copied    int64 // bytes written
}

// Adopt makes the regular file name in dir the blob d, which the caller has found to be its digest. name is one path
// component; a symlink or special file is refused.
//
// By link or rename no byte is copied: the inode itself gets mode 0444 and the store's owner. That is safe only if nobody
// holds the file open for writing; other hard links of it must be removed by the caller and not be written to. A file whose
// owner can't be changed (not mapped in a user namespace) is copied, since its owner could make it writable again. What
// is copied is hashed again: ErrCorrupt if it is no longer d.
//
// After an error the file is still there, with its mode and owner, and the store has no partial blob.
func (s *Local) Adopt(dir *os.File, name string, d Digest, how AdoptMode) (Adoption, error) {
	return s.AdoptIf(dir, name, d, how, func(*unix.Stat_t) error { return nil })
}

// AdoptIf is Adopt of a file of which check approves, and returns check's error otherwise. It is that very file which is
// adopted, whatever happens to its name meanwhile.
func (s *Local) AdoptIf(dir *os.File, name string, d Digest, how AdoptMode, check func(*unix.Stat_t) error) (Adoption, error) {
	defer runtime.KeepAlive(dir)
	if d.IsZero() {
		return Adoption{}, fmt.Errorf("adopt %q: no digest", name)
	}
	src, err := openCandidate(int(dir.Fd()), name)
	if err != nil {
		return Adoption{}, fmt.Errorf("adopt %q: %w", name, err)
	}
	defer src.close()
	if err := check(&src.st); err != nil {
		return Adoption{}, err
	}
	a, err := s.adopt(&src, d, how)
	if err != nil {
		return Adoption{}, fmt.Errorf("adopt %q: %w", name, err)
	}
	return a, nil
}

func (s *Local) adopt(src *candidate, d Digest, how AdoptMode) (a Adoption, err error) {
	err = errMustCopy
	if how != AdoptCopy {
		// Most files are new: that the store has one already, the link itself finds out.
		a, err = s.adoptItself(src, d)
	}
	if errors.Is(err, errMustCopy) {
		a, err = s.adoptCopy(src, d)
	}
	if err == nil && how == AdoptMove && !src.renamed {
		err = unix.Unlinkat(src.dir, src.name, 0)
	}
	return a, err
}

// errMustCopy says that a file can't become a blob itself.
var errMustCopy = errors.New("can't be taken into the store")

func (s *Local) adoptItself(src *candidate, d Digest) (Adoption, error) {
	if err := src.takeOwnership(s.uid, s.gid); err != nil {
		src.restore()
		return Adoption{}, errMustCopy
	}
	existed, err := s.place(src.fd, d, src.st.Size)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EMLINK) || errors.Is(err, unix.EOPNOTSUPP) {
		// No hard links here, or not of this file.
		existed, err = s.publish(src.dir, src.name, d, src.st.Size)
		src.renamed = err == nil
	}
	if err != nil {
		src.restore()
		if errors.Is(err, unix.EXDEV) {
			err = errMustCopy
		}
		return Adoption{}, err
	}
	return Adoption{Moved: !existed, Existed: existed}, nil
}

func (s *Local) adoptCopy(src *candidate, d Digest) (Adoption, error) {
	if kept, err := s.Keep(d, src.st.Size); kept || err != nil {
		return Adoption{Existed: kept}, err
	}
	f, err := src.open()
	if err != nil {
		return Adoption{}, err
	}
	defer unix.Close(f)
	t, err := s.newTemp()
	if err != nil {
		return Adoption{}, err
	}
	defer t.discard()
	got, size, linked, err := t.fill(f, d.Algorithm(), nil)
	if err != nil {
		return Adoption{}, err
	}
	if err := expect(got, d); err != nil {
		return Adoption{}, err
	}
	existed, err := t.commit(d, size)
	if err != nil {
		return Adoption{}, err
	}
	a := Adoption{Reflinked: linked && !existed, Existed: existed}
	if !linked {
		a.Copied = size
	}
	return a, nil
}

// candidate is a regular file that may become a blob, held by an O_PATH handle: its mode may forbid opening it.
type candidate struct {
	dir  int
	name string
	fd   int
	st   unix.Stat_t // as it was found

	renamed bool // its name is gone
}

func openCandidate(dir int, name string) (c candidate, err error) {
	c = candidate{dir: dir, name: name}
	if c.fd, err = openat(dir, name, unix.O_PATH, 0); err != nil {
		return c, err
	}
	err = unix.Fstat(c.fd, &c.st)
	if err == nil && c.st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errors.New("not a regular file")
	}
	if err != nil {
		c.close()
	}
	return c, err
}

func (c *candidate) close() { _ = unix.Close(c.fd) }

// takeOwnership gives the file to the store's owner, read-only. Owner first: chown clears setuid bits, and between the
// two calls the former owner must not be able to undo the mode.
func (c *candidate) takeOwnership(uid, gid uint32) error {
	if c.st.Uid != uid || c.st.Gid != gid {
		if err := unix.Fchownat(c.fd, "", int(uid), int(gid), unix.AT_EMPTY_PATH); err != nil {
			return fmt.Errorf("chown: %w", err)
		}
	} else if c.st.Mode&0o7777 == blobMode {
		return nil
	}
	return c.chmod(blobMode)
}

// restore gives back the owner and mode the file was found with, as far as that is possible.
func (c *candidate) restore() {
	_ = unix.Fchownat(c.fd, "", int(c.st.Uid), int(c.st.Gid), unix.AT_EMPTY_PATH)
	_ = c.chmod(c.st.Mode & 0o7777)
}

func (c *candidate) chmod(mode uint32) error {
	if err := beneath.Chmod(c.fd, mode); err != nil {
		return fmt.Errorf("chmod: %w", err)
	}
	return nil
}

// open opens the file for reading. Its owner, without the capability to ignore modes, has to lift the mode for that.
func (c *candidate) open() (int, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := openat(c.dir, c.name, flags, 0)
	if err == unix.EACCES {
		if err := c.chmod(c.st.Mode&0o7777 | unix.S_IRUSR); err != nil {
			return -1, err
		}
		fd, err = openat(c.dir, c.name, flags, 0)
		if err := c.chmod(c.st.Mode & 0o7777); err != nil {
			_ = unix.Close(fd)
			return -1, err
		}
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	if st.Dev != c.st.Dev || st.Ino != c.st.Ino {
		_ = unix.Close(fd)
		return -1, errors.New("replaced while it was adopted")
	}
	return fd, nil
}
