package gc

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
)

// Root is something in use.
type Root struct {
	Digest cas.Digest
	// Tree says that the digest is that of a Directory, and all below is in use too; else it is that of one blob. A blob that the
	// store does not have is no error.
	Tree bool
	// Elsewhere says that the tree may be another store's: where its root is not in this one, it uses nothing here.
	Elsewhere bool
	// Of says in messages what it is the root of, like "run build-17".
	Of string
}

// marks are the blobs in use; the value says whether all below it is marked too, as far as it is a directory.
type marks map[cas.Digest]bool

// mark marks what is reachable from a root, and calls found with each blob that was not marked before. Of directories that are
// missing or damaged c.broken tells: what is below them can't be marked.
func (c *collector) mark(ctx context.Context, r Root, found func(cas.Digest) error) error {
	add := func(d cas.Digest) error {
		if _, marked := c.marks[d]; marked {
			return nil
		}
		c.marks[d] = false
		return found(d)
	}
	if err := add(r.Digest); err != nil || !r.Tree {
		return err
	}
	for todo := []cas.Digest{r.Digest}; len(todo) > 0; {
		d := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c.marks[d] {
			continue
		}
		c.marks[d] = true
		if err := ctx.Err(); err != nil {
			return err
		}
		dir, err := tree.Load(c.store, d)
		if err != nil {
			err = fmt.Errorf("%s: %w", r.Of, err)
			// What the disk does not give may well be there.
			if errors.As(err, new(syscall.Errno)) {
				return err
			}
			if !r.Elsewhere || d != r.Digest || !errors.Is(err, cas.ErrNotFound) {
				c.broken = append(c.broken, err)
			}
			continue
		}
		for _, e := range dir.Entries {
			if e.Kind == tree.Symlink {
				continue
			}
			if err := add(e.Digest); err != nil {
				return err
			}
			if e.Kind == tree.Dir {
				todo = append(todo, e.Digest)
			}
		}
	}
	return nil
}
