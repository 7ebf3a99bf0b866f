package inside

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Large reads the file "large" in sequence and then its pages in no order: steps "first", "again", "pread" and "mmap".
type Large struct {
	Pages  int `json:"pages"`  // of the file
	Random int `json:"random"` // pages read in no order
	Passes int `json:"passes"` // of all steps but the first
}

// atOnce is how much of a large file cp(1) and the like move with one system call.
const atOnce = 128 << 10

func (t *Large) run(r *Report) (err error) {
	fd, err := open(here, newPath("large"), unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeFile(fd)) }()
	if err := r.time("first", func() error { return t.sequence(fd) }); err != nil {
		return err
	}
	if err := r.again("again", t.Passes, func() error { return t.sequence(fd) }); err != nil {
		return err
	}
	if err := r.again("pread", t.Passes, func() error { return t.pread(fd) }); err != nil {
		return err
	}
	return r.again("mmap", t.Passes, func() error { return t.mmap(fd) })
}

func (t *Large) sequence(fd int) error {
	if _, err := unix.Seek(fd, 0, unix.SEEK_SET); err != nil {
		return fmt.Errorf("seek: %w", err)
	}
	b := make([]byte, atOnce)
	for page := 0; page < t.Pages; page += atOnce / Page {
		if err := read(fd, b); err != nil {
			return err
		}
		for at := 0; at < atOnce; at += Page {
			if err := check(b[at:], page+at/Page); err != nil {
				return err
			}
		}
	}
	return nil
}

func check(b []byte, page int) error {
	if !startsRight(b, uint64(page)) {
		return fmt.Errorf("page %d has other contents", page)
	}
	return nil
}

func (t *Large) pread(fd int) error {
	b := make([]byte, Page)
	for i := range t.Random {
		page := t.somewhere(i)
		if err := pread(fd, b, int64(page)*Page); err != nil {
			return err
		}
		if err := check(b, page); err != nil {
			return err
		}
	}
	return nil
}

// mmap maps the file anew, so that each pass has its page faults, and copies the pages.
func (t *Large) mmap(fd int) error {
	m, err := unix.Mmap(fd, 0, t.Pages*Page, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	b := make([]byte, Page)
	for i := range t.Random {
		page := t.somewhere(i)
		copy(b, m[page*Page:])
		if err := check(b, page); err != nil {
			return err
		}
	}
	return unix.Munmap(m)
}

// somewhere is the i-th page in no order; no two are the same until all were there, since the factor is odd and the number
// of pages a power of two.
func (t *Large) somewhere(i int) int { return i * 40_503 % t.Pages }
