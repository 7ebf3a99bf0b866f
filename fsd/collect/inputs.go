package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
)

// inputs is the tree that the job was given. most bounds how many of its paths are listed one by one, because they are gone
// or stand elsewhere; zero is no bound.
type inputs struct {
	store  cas.Reader
	root   cas.Digest
	most   int
	listed int
}

// list counts one path, and is an error when there are too many.
func (in *inputs) list() error {
	in.listed++
	if in.most > 0 && in.listed > in.most {
		return fmt.Errorf("more than %d inputs are gone or moved (policy.max_inputs): the rest is not listed", in.most)
	}
	return nil
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
		if p == "" {
			return nil
		}
		if err := in.list(); err != nil {
			return err
		}
		fn(join(path, p))
		return nil
	})
}
