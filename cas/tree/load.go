package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/casview/casview/cas"
)

// maxMessage bounds one Directory message in bytes, so that a digest which
// names a huge file cannot make a reader load it. It is enough for four million
// entries with names of usual length in a single directory.
const maxMessage = 512 << 20

// Load reads and decodes the directory d. The error wraps cas.ErrNotFound when
// it is not in the store and cas.ErrCorrupt when the stored bytes are damaged.
func Load(s cas.Reader, d cas.Digest) (*Directory, error) {
	dir, _, err := load(s, d)
	return dir, err
}

func load(s cas.Reader, d cas.Digest) (*Directory, int64, error) {
	b, err := s.ReadBlob(d, maxMessage)
	if err != nil {
		return nil, 0, fmt.Errorf("load directory %s: %w", d, err)
	}
	dir, err := Decode(b, d.Algorithm())
	if err != nil {
		return nil, 0, fmt.Errorf("load directory %s: %w", d, err)
	}
	return dir, int64(len(b)), nil
}

// Resolve returns the entry at path below root; "" is the root itself, a Dir
// entry without a name. It follows no symlinks. The error is fs.ErrNotExist when
// there is no such path and ENOTDIR when a parent is not a directory; a directory
// missing from the store is cas.ErrNotFound, which wraps fs.ErrNotExist as well.
func Resolve(s cas.Reader, root cas.Digest, path string) (Entry, error) {
	dir, size, err := load(s, root)
	if err != nil {
		return Entry{}, err
	}
	at := Entry{Kind: Dir, Digest: root, Size: size}
	if path == "" {
		return at, nil
	}
	if err := CheckPath(path); err != nil {
		return Entry{}, fmt.Errorf("resolve %q: %w", path, err)
	}
	for name := range strings.SplitSeq(path, "/") {
		if at.Kind != Dir {
			return Entry{}, fmt.Errorf("resolve %q: %w", path, syscall.ENOTDIR)
		}
		if dir == nil {
			if dir, err = Load(s, at.Digest); err != nil {
				return Entry{}, fmt.Errorf("resolve %q: %w", path, err)
			}
		}
		i, ok := dir.Find(name)
		if !ok {
			return Entry{}, fmt.Errorf("resolve %q: %w", path, fs.ErrNotExist)
		}
		at, dir = dir.Entries[i], nil
	}
	return at, nil
}

// Walk calls fn for every path below root, parents first and each directory in
// its sorted order, beginning with the root itself as "". For a Dir entry dir is
// what it names; otherwise nil. fn may return fs.SkipDir for a Dir entry to leave
// out what is below it, and fs.SkipAll to end the walk; any other error ends it
// and is returned as it is.
//
// Memory is bounded by the directories between the root and the current path. A
// tree may name one directory many times, and Walk visits each path.
func Walk(s cas.Reader, root cas.Digest, fn func(path string, e Entry, dir *Directory) error) error {
	dir, size, err := load(s, root)
	if err != nil {
		return err
	}
	w := walker{store: s, fn: fn}
	err = w.visit("", Entry{Kind: Dir, Digest: root, Size: size}, dir)
	for err == nil && len(w.open) > 0 {
		err = w.step()
	}
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

// walker keeps its own stack: the depth of a tree is not bounded.
type walker struct {
	store cas.Reader
	fn    func(string, Entry, *Directory) error
	open  []frame
}

type frame struct {
	path string
	dir  *Directory
	next int // index of the entry to visit next
}

// step visits one entry of the innermost open directory, or closes it.
func (w *walker) step() error {
	top := &w.open[len(w.open)-1]
	if top.next == len(top.dir.Entries) {
		w.open = w.open[:len(w.open)-1]
		return nil
	}
	e := top.dir.Entries[top.next]
	top.next++
	path := join(top.path, e.Name)
	if e.Kind != Dir {
		return w.fn(path, e, nil)
	}
	dir, err := Load(w.store, e.Digest)
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	return w.visit(path, e, dir)
}

func (w *walker) visit(path string, e Entry, dir *Directory) error {
	err := w.fn(path, e, dir)
	if e.Kind == Dir && errors.Is(err, fs.SkipDir) {
		return nil
	}
	if err == nil {
		w.open = append(w.open, frame{path: path, dir: dir})
	}
	return err
}
