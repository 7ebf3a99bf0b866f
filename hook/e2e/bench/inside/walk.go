package inside

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Walk lists a whole tree as find does: a directory to its end, then its entries. Steps "first" and "again".
type Walk struct {
	Files  int  `json:"files"` // that must be there
	Stat   bool `json:"stat"`  // stat each entry
	Size   int  `json:"size"`  // of each file, where they are stat'ed
	Passes int  `json:"passes"`
}

func (t *Walk) run(r *Report) error {
	if err := r.time("first", t.pass); err != nil {
		return err
	}
	return r.again("again", t.Passes, t.pass)
}

func (t *Walk) pass() error {
	w := walker{task: t}
	if err := w.dir(here, newPath(".")); err != nil {
		return err
	}
	if w.files != t.Files {
		return fmt.Errorf("%d files, expected %d", w.files, t.Files)
	}
	return nil
}

type walker struct {
	task  *Walk
	files int
}

// dir looks at a directory with 32 KiB of entries at a time, as glibc does.
func (w *walker) dir(at int, name path) error {
	fd, err := open(at, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	entries, err := list(fd)
	for i := 0; i < len(entries) && err == nil; i++ {
		err = w.entry(fd, entries[i])
	}
	return errors.Join(err, closeFile(fd))
}

func (w *walker) entry(dir int, e entry) error {
	if w.task.Stat {
		var st unix.Statx_t
		if err := stat(dir, e.name, &st); err != nil {
			return err
		}
		if !e.dir && st.Size != uint64(w.task.Size) {
			return fmt.Errorf("%s has %d bytes, expected %d", e.name, st.Size, w.task.Size)
		}
	}
	if e.dir {
		return w.dir(dir, e.name)
	}
	w.files++
	return nil
}

type entry struct {
	name path
	dir  bool
}

// list reads a directory. The entries are struct linux_dirent64: inode and offset of 8 bytes each, a length of 2, a type of
// 1, and the name with a NUL.
func list(fd int) ([]entry, error) {
	var all []entry
	b := make([]byte, 32<<10)
	for {
		n, err := getdents(fd, b)
		if err != nil || n == 0 {
			return all, err
		}
		for at := 0; at < n; {
			size := int(binary.NativeEndian.Uint16(b[at+16:]))
			name := b[at+19 : at+size]
			end := 0
			for name[end] != 0 {
				end++
			}
			if s := string(name[:end]); s != "." && s != ".." {
				all = append(all, entry{newPath(s), b[at+18] == unix.DT_DIR})
			}
			at += size
		}
	}
}
