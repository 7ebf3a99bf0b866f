package cas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
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
	_, n, err := s.insert(r, want.alg, want)
	return n, err
}

// PutBytes implements Writer. Content that the store has already is not written again.
func (s *Local) PutBytes(b []byte) (Digest, error) {
	d := s.alg.Sum(b)
	return d, s.putBytes(d, b)
}

// PutFile stores the content of f from its first byte on, whatever its offset, and leaves the offset alone. Where the
// filesystem allows the blob shares the file's blocks; the digest is then that of the blob, even if f changes meanwhile.
func (s *Local) PutFile(f *os.File) (Digest, int64, error) { return s.PutFileProgress(f, nil) }

// PutFileProgress is PutFile that calls read, unless it is nil, with the length of each part of a large file as it is
// read. A file that fits into one buffer is not reported.
func (s *Local) PutFileProgress(f *os.File, read func(bytes int64)) (Digest, int64, error) {
	buf := s.buffers.Get().(*[]byte)
	n, err := f.ReadAt(*buf, 0)
	if err == io.EOF {
		b := (*buf)[:n]
		d := s.alg.Sum(b)
		err = s.putBytes(d, b)
		s.buffers.Put(buf)
		return d, int64(n), err
	}
	s.buffers.Put(buf)
	if err != nil {
		return Digest{}, 0, fmt.Errorf("store blob: %w", err)
	}
	t, err := s.newTemp()
	if err != nil {
		return Digest{}, 0, err
	}
	defer t.discard()
	d, size, _, err := t.fill(f, s.alg, read)
	if err != nil {
		return Digest{}, 0, fmt.Errorf("store blob: %w", err)
	}
	if _, err := t.commit(d, size); err != nil {
		return Digest{}, 0, err
	}
	return d, size, nil
}

// insert stores everything r gives, under its digest of algorithm a, which must be want unless that is zero.
func (s *Local) insert(r io.Reader, a Algorithm, want Digest) (Digest, int64, error) {
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	n, err := io.ReadFull(r, *buf)
	head := (*buf)[:n]
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		d := a.Sum(head)
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
	if _, err := t.f.Write(b); err != nil {
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
