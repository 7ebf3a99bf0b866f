package collect

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
)

// adopt moves the staged files into the store; with Keep it copies them.
func (c *collection) adopt(ctx context.Context) error {
	staged := func(o *output) bool { return o.Kind == result.File && o.isStaged() }
	err := c.inDirs(ctx, staged, c.adoptFrom)
	c.adopted = c.names()
	if err != nil {
		return err
	}
	c.settle()
	c.log.Debug("files adopted", "bytes_copied", c.copied.Load())
	return nil
}

// adoptFrom adopts files of one directory. Each file's error is its own.
func (c *collection) adoptFrom(ctx context.Context, dir *os.File, noDir error, list []*output) {
	for _, o := range list {
		switch {
		case ctx.Err() != nil:
			return
		case noDir != nil:
			o.err = noDir
		case c.full.Load():
			o.err = unix.ENOSPC
		default:
			o.err = c.adoptOne(dir, o)
		}
		if isFull(o.err) {
			c.full.Store(true)
		}
	}
}

func (c *collection) adoptOne(dir *os.File, o *output) error {
	_, name := split(o.Path)
	if !c.durable {
		if err := c.refuseTorn(o); err != nil {
			return err
		}
	}
	how := cas.AdoptLink
	if c.copies {
		how = cas.AdoptCopy
	}
	a, err := c.store.AdoptIf(dir, name, o.Hash, how, func(st *unix.Stat_t) error {
		if now := versionOf(st); now.id != o.staged.id || now.size != o.staged.size || now.mtim != o.staged.mtim {
			return errChanged
		}
		return nil
	})
	if errors.Is(err, cas.ErrCorrupt) {
		return errChanged
	}
	o.adopted = err == nil && how == cas.AdoptLink
	c.copied.Add(a.Copied)
	return err
}

var errChanged = errors.New("the file changed after it was hashed")

// refuseTorn checks a blob that the store has already, before a good file is given up for it: the store goes by size, and
// a power cut can leave a blob of the right size with wrong bytes.
func (c *collection) refuseTorn(o *output) error {
	have, err := c.store.Keep(o.Hash, o.Size)
	if err != nil || !have {
		return err
	}
	if err := c.store.Verify(o.Hash); err != nil {
		return fmt.Errorf("the store's own copy is damaged, remove it so that the staged one takes its place: %w", err)
	}
	return nil
}

// names are the staged names of files that are blobs now.
func (c *collection) names() []string {
	var list []string
	adopted := map[string]bool{}
	for i := range c.outputs {
		switch o := &c.outputs[i]; {
		case o.adopted:
			adopted[o.Path] = true
			list = append(list, o.Path)
		case o.Kind == result.Hardlink && o.isStaged() && adopted[o.Target]:
			list = append(list, o.Path)
		}
	}
	return list
}

// unlinkAdopted removes those names where the staging tree does not go as a whole: nothing may reach a blob by another name.
// If this process dies before, they stay until the run is collected again, which finds the blobs and comes here again.
func (c *collection) unlinkAdopted() {
	for _, path := range c.adopted {
		parent, name := split(path)
		dir, err := c.root.dir(parent)
		if err == nil {
			err = unix.Unlinkat(int(dir.Fd()), name, 0)
			dir.Close()
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			c.log.Warn("staged name of a blob not removed", "path", path, "cause", err)
		}
	}
}
