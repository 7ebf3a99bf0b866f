package collect

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
)

// inputs is the tree that the job was given.
type inputs struct {
	store cas.Reader
	root  cas.Digest
}

// inputDir is a directory of the input tree and its path there. A nil *inputDir is a directory that does not exist: it
// has no entries.
type inputDir struct {
	path string
	*tree.Directory
}

func (in *inputs) load(path string, d cas.Digest) (*inputDir, error) {
	dir, err := tree.Load(in.store, d)
	if err != nil {
		return nil, err
	}
	return &inputDir{path: path, Directory: dir}, nil
}

// sub is the directory called name in d; nil when that is nothing or no directory.
func (in *inputs) sub(d *inputDir, name string) (*inputDir, error) {
	e, ok := d.entry(name)
	if !ok || e.Kind != tree.Dir {
		return nil, nil
	}
	return in.load(join(d.path, name), e.Digest)
}

// lookup is the directory at a path from the root; nil when that is nothing or no directory.
func (in *inputs) lookup(path string) (*inputDir, error) {
	e, err := tree.Resolve(in.store, in.root, path)
	switch {
	case errors.Is(err, cas.ErrNotFound):
		return nil, err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, err
	case e.Kind != tree.Dir:
		return nil, nil
	}
	return in.load(path, e.Digest)
}

func (d *inputDir) entry(name string) (tree.Entry, bool) {
	if d == nil {
		return tree.Entry{}, false
	}
	i, ok := d.Find(name)
	if !ok {
		return tree.Entry{}, false
	}
	return d.Entries[i], true
}

func (d *inputDir) entries() []tree.Entry {
	if d == nil {
		return nil
	}
	return d.Entries
}

// below calls fn with the path of everything in e, which stands at path; nothing unless e is a directory.
func (in *inputs) below(path string, e tree.Entry, fn func(path string)) error {
	if e.Kind != tree.Dir {
		return nil
	}
	return tree.Walk(in.store, e.Digest, func(p string, _ tree.Entry, _ *tree.Directory) error {
		if p != "" {
			fn(join(path, p))
		}
		return nil
	})
}
