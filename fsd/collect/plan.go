package collect

import (
	"context"
	"fmt"
	"os"

	"github.com/casview/casview/fsd/result"
)

// hash makes sure of every file's digest.
func (c *collection) hash(ctx context.Context) error {
	h := newHasher(c.store.Algorithm(), c.xattrs)
	files := func(o *output) bool { return o.Kind == result.File }
	err := c.inDirs(ctx, files, func(ctx context.Context, dir *os.File, err error, list []*output) {
		for _, o := range list {
			if ctx.Err() != nil {
				return
			}
			o.err = c.ensure(ctx, h, dir, err, o)
		}
	})
	if err != nil {
		return err
	}
	c.settle()
	c.log.Debug("files hashed", "bytes", c.hashed.Load())
	return nil
}

// ensure hashes a file, or where its digest is known checks that its bytes are there. noDir is why dir could not be opened.
func (c *collection) ensure(ctx context.Context, h *hasher, dir *os.File, noDir error, o *output) error {
	switch {
	case !o.isStaged():
		return c.stored(o)
	case o.planned && c.durable && o.staged.size == o.Size && o.staged.mtim.Sec == o.MtimeSec && o.staged.mtim.Nsec == int64(o.MtimeNsec):
		return nil
	case noDir != nil:
		return noDir
	}
	planned := o.Entry
	_, name := split(o.Path)
	if err := h.hash(ctx, int(dir.Fd()), name, o); err != nil {
		return err
	}
	c.hashed.Add(o.Size)
	if o.planned && o.Entry != planned {
		return fmt.Errorf("it is not what was hashed before: digest %s, expected %s", o.Hash, planned.Hash)
	}
	return nil
}

// stored checks that the store has a file that is not staged: a moved input, or an output adopted by an earlier
// collection.
func (c *collection) stored(o *output) error {
	kept, err := c.store.Keep(o.Hash, o.Size)
	switch {
	case err != nil:
		return err
	case !kept:
		return fmt.Errorf("%s: not in the store", o.Hash)
	case o.planned && !c.durable:
		return c.store.Verify(o.Hash)
	}
	return nil
}

// writePlan records what is about to move. Nothing moves when the view is still held, or when there is nothing new.
func (c *collection) writePlan(context.Context) error {
	if c.copies || !c.unplanned() {
		return nil
	}
	c.res.HashedFiles = c.files()
	r := c.compose()
	data, err := r.Encode()
	if err != nil {
		return err
	}
	if err := c.run.WritePlan(data); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	c.plan = r
	if c.o.afterPlan != nil {
		c.o.afterPlan()
	}
	return nil
}

func (c *collection) unplanned() bool {
	for i := range c.outputs {
		if o := &c.outputs[i]; o.Kind == result.File && o.isStaged() && !o.planned {
			return true
		}
	}
	return false
}

func (c *collection) files() result.Files {
	out := make(result.Files, 0, len(c.outputs))
	for i := range c.outputs {
		out = append(out, c.outputs[i].Entry)
	}
	return out
}
