package inside

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Files makes files in new directories, appends a page to each, renames and removes them: steps "create", "append",
// "rename" and "unlink".
type Files struct {
	Dir    string `json:"dir"` // made
	Files  int    `json:"files"`
	InEach int    `json:"in_each"`
	Pages  int    `json:"pages"`          // of each file
	First  uint64 `json:"first"`          // the first file's first page
	Keep   bool   `json:"keep,omitempty"` // only create
}

func (t *Files) run(r *Report) error {
	names := paths(t.Files, t.InEach, t.Dir+"/")
	for i := 0; i < t.Files; i += t.InEach {
		if err := os.MkdirAll(fmt.Sprintf("%s/d%03d", t.Dir, i/t.InEach), 0o755); err != nil {
			return err
		}
	}
	contents := make([][]byte, t.Files)
	for i := range contents {
		contents[i] = make([]byte, t.Pages*Page)
		Fill(contents[i], t.page(i))
	}
	if err := r.time("create", func() error { return create(names, contents) }); err != nil || t.Keep {
		return err
	}
	if err := r.time("append", func() error { return appendAll(names, t.after) }); err != nil {
		return err
	}
	if err := t.check(names); err != nil {
		return err
	}
	to := paths(t.Files, t.InEach, t.Dir+"/")
	for i := range to {
		to[i] = newPath(to[i].String() + ".new")
	}
	if err := r.time("rename", func() error { return renameAll(names, to) }); err != nil {
		return err
	}
	if err := t.check(to); err != nil {
		return err
	}
	if err := r.time("unlink", func() error { return unlinkAll(to) }); err != nil {
		return err
	}
	return t.checkEmpty()
}

func (t *Files) page(i int) uint64 { return t.First + uint64(i*t.Pages) }

// after is the page that is appended to a file: only its start is not zero.
func (t *Files) after(i int) uint64 { return t.First + uint64(t.Files*t.Pages+i) }

func create(names []path, contents [][]byte) error {
	for i, name := range names {
		fd, err := open(here, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		if err := errors.Join(write(fd, contents[i]), closeFile(fd)); err != nil {
			return err
		}
	}
	return nil
}

func appendAll(names []path, page func(int) uint64) error {
	b := make([]byte, Page)
	for i, name := range names {
		stamp(b, page(i))
		fd, err := open(here, name, unix.O_WRONLY|unix.O_APPEND, 0)
		if err != nil {
			return err
		}
		if err := errors.Join(write(fd, b), closeFile(fd)); err != nil {
			return err
		}
	}
	return nil
}

func renameAll(from, to []path) error {
	for i := range from {
		if err := rename(from[i], to[i]); err != nil {
			return err
		}
	}
	return nil
}

func unlinkAll(names []path) error {
	for _, name := range names {
		if err := unlink(name); err != nil {
			return err
		}
	}
	return nil
}

func (t *Files) check(names []path) error {
	want := make([]byte, (t.Pages+1)*Page)
	for i, name := range names {
		Fill(want[:t.Pages*Page], t.page(i))
		stamp(want[t.Pages*Page:], t.after(i))
		if err := hasContent(name, want); err != nil {
			return err
		}
	}
	return nil
}

func hasContent(name path, want []byte) error {
	got, err := os.ReadFile(name.String())
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%s has other contents: %d bytes, expected %d", name, len(got), len(want))
	}
	return err
}

func (t *Files) checkEmpty() error {
	for i := 0; i < t.Files; i += t.InEach {
		dir := fmt.Sprintf("%s/d%03d", t.Dir, i/t.InEach)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			return fmt.Errorf("%s has %d entries after all were removed", dir, len(entries))
		}
	}
	return nil
}
