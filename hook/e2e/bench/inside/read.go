package inside

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Read opens, reads and closes files of one page each: steps "first" and "again".
type Read struct {
	Files  int `json:"files"`
	InEach int `json:"in_each"` // files in each directory
	Passes int `json:"passes"`  // of again
}

func (t *Read) run(r *Report) error {
	names := paths(t.Files, t.InEach, "")
	if err := r.time("first", func() error { return t.pass(names) }); err != nil {
		return err
	}
	if err := r.again("again", t.Passes, func() error { return t.pass(names) }); err != nil {
		return err
	}
	return t.check(names)
}

func (t *Read) pass(names []path) error {
	var b [Page]byte
	for i, name := range names {
		if err := readPage(name, b[:]); err != nil {
			return err
		}
		if !startsRight(b[:], uint64(i)) {
			return fmt.Errorf("%s has other contents", name)
		}
	}
	return nil
}

// check compares everything.
func (t *Read) check(names []path) error {
	var b, want [Page]byte
	for i, name := range names {
		if err := readPage(name, b[:]); err != nil {
			return err
		}
		Fill(want[:], uint64(i))
		if !bytes.Equal(b[:], want[:]) {
			return fmt.Errorf("%s has other contents", name)
		}
	}
	return nil
}

func readPage(name path, b []byte) error {
	fd, err := open(here, name, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(read(fd, b), closeFile(fd))
}
