package cas

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Open implements Reader. The file's content is not verified; see Verify.
func (s *Local) Open(d Digest) (*os.File, error) {
	if d.IsZero() {
		return nil, fmt.Errorf("open blob: no digest: %w", ErrNotFound)
	}
	path := blobPath(d)
	fd, err := openat(s.blobs, path, unix.O_RDONLY, 0)
	if err == unix.ENOENT {
		fd, err = openat(s.root, trashName+"/"+path, unix.O_RDONLY, 0)
	}
	if err == unix.ENOENT {
		// A collector may have put it back between the two looks.
		fd, err = openat(s.blobs, path, unix.O_RDONLY, 0)
	}
	if err == unix.ENOENT {
		return nil, fmt.Errorf("blob %s: %w", d, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", d, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Size implements Reader.
func (s *Local) Size(d Digest) (int64, error) {
	st, err := s.stat(d)
	return st.Size, err
}

// ReadBlob implements Reader.
func (s *Local) ReadBlob(d Digest, limit int64) ([]byte, error) {
	f, err := s.Open(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", d, err)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("read blob %s: %d bytes, more than the limit of %d", d, info.Size(), limit)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("read blob %s: %w", d, err)
	}
	if got := Sum(d.Algorithm(), b); got != d {
		return nil, fmt.Errorf("blob %s has digest %s: %w", d, got, ErrCorrupt)
	}
	return b, nil
}

// Verify reads the blob and checks that it has its digest: ErrCorrupt if not, ErrNotFound if there is none.
func (s *Local) Verify(d Digest) error {
	f, err := s.Open(d)
	if err != nil {
		return err
	}
	defer f.Close()
	got, _, err := s.hash(f, d.Algorithm())
	if err != nil {
		return fmt.Errorf("verify blob %s: %w", d, err)
	}
	if got != d {
		return fmt.Errorf("blob %s has digest %s: %w", d, got, ErrCorrupt)
	}
	return nil
}

// youngFor is how long Keep leaves a blob alone once it was stored or kept: a run over unchanged inputs then writes nothing.
const youngFor = time.Hour

// Keep reports whether the store has the blob with this size and, if so, makes it young again (see the package comment),
// so that it is not swept as unused before the caller has published a name for it.
func (s *Local) Keep(d Digest, size int64) (bool, error) {
	if d.IsZero() {
		return false, nil
	}
	path := blobPath(d)
	var st unix.Stat_t
	err := unix.Fstatat(s.blobs, path, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		// Perhaps a collector is about to delete it: what is taken back is as young as it should be.
		had, back, err := s.Reprieve(d)
		return back && had == size, err
	}
	if err = checkBlob(d, &st, err); err != nil || st.Size != size {
		return false, err
	}
	if age := time.Since(time.Unix(st.Ctim.Unix())); age >= 0 && age < s.youngFor {
		return true, nil
	}
	// The time of access, because a collector can tell that it was set just before it took the blob away: see Condemn. That
	// moves the ctime too. The mtime stays: a staged file may still be the same inode, and has changed if its mtime has.
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_OMIT}}
	switch err := unix.UtimesNanoAt(s.blobs, path, now, unix.AT_SYMLINK_NOFOLLOW); err {
	case nil:
		return true, nil
	case unix.ENOENT: // condemned since the stat
		had, back, err := s.Reprieve(d)
		return back && had == size, err
	case unix.EPERM, unix.EACCES, unix.EROFS: // another user's store: there, but not ours to keep young
		return true, nil
	default:
		return false, fmt.Errorf("keep blob %s: %w", d, err)
	}
}

func (s *Local) stat(d Digest) (unix.Stat_t, error) {
	if d.IsZero() {
		return unix.Stat_t{}, fmt.Errorf("stat blob: no digest: %w", ErrNotFound)
	}
	st, err := statBlob(s.blobs, d)
	if !errors.Is(err, ErrNotFound) {
		return st, err
	}
	var condemned unix.Stat_t
	err = unix.Fstatat(s.root, trashName+"/"+blobPath(d), &condemned, unix.AT_SYMLINK_NOFOLLOW)
	if err != unix.ENOENT {
		return condemned, checkBlob(d, &condemned, err)
	}
	return statBlob(s.blobs, d) // a collector may have put it back between the two looks
}

func statBlob(blobs int, d Digest) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Fstatat(blobs, blobPath(d), &st, unix.AT_SYMLINK_NOFOLLOW)
	return st, checkBlob(d, &st, err)
}

// checkBlob is the error of looking at d's place.
func checkBlob(d Digest, st *unix.Stat_t, err error) error {
	switch {
	case err == unix.ENOENT:
		return fmt.Errorf("blob %s: %w", d, ErrNotFound)
	case err != nil:
		return fmt.Errorf("stat blob %s: %w", d, err)
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fmt.Errorf("blob %s: not a regular file: %w", d, ErrCorrupt)
	}
	return nil
}

// hash reads r to its end.
func (s *Local) hash(r io.Reader, a Algorithm) (Digest, int64, error) {
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	h := NewHash(a)
	n, err := io.CopyBuffer(h, onlyReader{r}, *buf)
	if err != nil {
		return Digest{}, n, err
	}
	return finish(a, h), n, nil
}

// onlyReader hides WriterTo, with which io.CopyBuffer would pass over the buffer it was given.
type onlyReader struct{ io.Reader }
