package inside

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Write writes one large file: step "write". What First is for Files, it is here.
type Write struct {
	File  string `json:"file"`
	Pages int    `json:"pages"`
	First uint64 `json:"first"`
	Keep  bool   `json:"keep,omitempty"` // do not check and remove it
}

func (t *Write) run(r *Report) error {
	// The same buffer again and again would do, but for checks: what changes from piece to piece is one word of each page.
	b := make([]byte, atOnce)
	if err := r.time("write", func() error { return t.write(b) }); err != nil || t.Keep {
		return err
	}
	if err := t.check(b); err != nil {
		return err
	}
	return os.Remove(t.File)
}

func (t *Write) write(b []byte) error {
	fd, err := open(here, newPath(t.File), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for page := 0; page < t.Pages && err == nil; page += atOnce / Page {
		for at := 0; at < atOnce; at += Page {
			stamp(b[at:], t.First+uint64(page+at/Page))
		}
		err = write(fd, b)
	}
	return errors.Join(err, closeFile(fd))
}

func (t *Write) check(b []byte) error {
	fd, err := open(here, newPath(t.File), unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	for page := 0; page < t.Pages && err == nil; page += atOnce / Page {
		err = read(fd, b)
		for at := 0; at < atOnce && err == nil; at += Page {
			err = check(b[at:], int(t.First)+page+at/Page)
		}
	}
	return errors.Join(err, closeFile(fd))
}
