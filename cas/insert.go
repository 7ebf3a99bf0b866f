package cas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// Put implements Writer.
func (s *Local) Put(r io.Reader) (Digest, int64, error) {
	return s.insert(r, s.alg, Digest{})
}

// PutExpected implements Writer. The blob is named with the algorithm of want, whatever the store's own is.
func (s *Local) PutExpected(r io.Reader, want Digest) (int64, error) {
	if want.IsZero() {
		return 0, errors.New("store blob: no expected digest")
	}
	_, n, err := s.insert(r, want.Algorithm(), want)
	return n, err
}

// PutBytes implements Writer. Content that the store has already is not written again.
func (s *Local) PutBytes(b []byte) (Digest, error) {
	d := Sum(s.alg, b)
	return d, s.putBytes(d, b)
}

// PutFile stores the content of f from its first byte on, whatever its offset, and leaves the offset alone. Where the
// filesystem allows the blob shares the file's blocks; the digest is then that of the blob, even if f changes meanwhile.
func (s *Local) PutFile(f *os.File) (Digest, int64, error) {
	defer runtime.KeepAlive(f)
	return s.PutHandle(int(f.Fd()), -1, nil)
}

// PutHandle is PutFile of an open descriptor. size is how long the caller knows the file to be, which spares a read to find
// its end, or -1. It calls read, unless that is nil, with the length of each part of a large file as it is read. A file that
// fits into one buffer is not reported.
func (s *Local) PutHandle(fd int, size int64, read func(bytes int64)) (Digest, int64, error) {
	d, n, whole, err := s.putSmall(fd, size)
	if whole || err != nil {
		return d, n, err
	}
	t, err := s.newTemp()
	if err != nil {
		return Digest{}, 0, err
	}
	defer t.discard()
	d, n, _, err = t.fill(fd, s.alg, read)
	if err != nil {
		return Digest{}, 0, fmt.Errorf("store blob: %w", err)
	}
	if _, err := t.commit(d, n); err != nil {
		return Digest{}, 0, err
	}
	return d, n, nil
}

// putSmall stores a file that is shorter than a buffer; whole is false for others.
func (s *Local) putSmall(fd int, size int64) (d Digest, n int64, whole bool, err error) {
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	want := len(*buf)
	if size >= 0 && size < int64(want) {
		want = int(size)
	}
	k, err := pread(fd, (*buf)[:want], 0)
	if err != nil {
		return Digest{}, 0, false, fmt.Errorf("store blob: %w", err)
	}
	if k == len(*buf) {
		return Digest{}, 0, false, nil
	}
	d = Sum(s.alg, (*buf)[:k])
	return d, int64(k), true, s.putBytes(d, (*buf)[:k])
}

// insert stores everything r gives, under its digest of algorithm a, which must be want unless that is zero.
func (s *Local) insert(r io.Reader, a Algorithm, want Digest) (Digest, int64, error) {
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	n, err := io.ReadFull(r, *buf)
	head := (*buf)[:n]
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		d := Sum(a, head)
		if err := expect(d, want); err != nil {
			return Digest{}, 0, err
		}
		return d, int64(n), s.putBytes(d, head)
	case nil:
		return s.insertLarge(io.MultiReader(bytes.NewReader(head), r), a, want)
	default:
		return Digest{}, 0, fmt.Errorf("store blob: %w", err)
	}
}

func (s *Local) insertLarge(r io.Reader, a Algorithm, want Digest) (Digest, int64, error) {
	t, err := s.newTemp()
	if err != nil {
		return Digest{}, 0, err
	}
	defer t.discard()
	d, size, err := t.copy(r, a)
	if err != nil {
		return Digest{}, 0, fmt.Errorf("store blob: %w", err)
	}
	if err := expect(d, want); err != nil {
		return Digest{}, 0, err
	}
	if _, err := t.commit(d, size); err != nil {
		return Digest{}, 0, err
	}
	return d, size, nil
}

// putBytes stores b, whose digest d is, unless the store has it.
func (s *Local) putBytes(d Digest, b []byte) error {
	if have, err := s.Keep(d, int64(len(b))); have || err != nil {
		return err
	}
	t, err := s.newTemp()
	if err != nil {
		return err
	}
	defer t.discard()
	if _, err := t.Write(b); err != nil {
		return fmt.Errorf("store blob %s: %w", d, err)
	}
	_, err = t.commit(d, int64(len(b)))
	return err
}

func expect(got, want Digest) error {
	if want.IsZero() || got == want {
		return nil
	}
	return fmt.Errorf("store blob: digest %s, expected %s: %w", got, want, ErrCorrupt)
}
