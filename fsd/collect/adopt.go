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
	if err := c.inDirs(ctx, staged, c.adoptFrom); err != nil {
		return err
	}
	c.settle()
	if !c.copies {
		c.unlinkOthers()
	}
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
	var st unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if now := versionOf(&st); now.id != o.staged.id || now.size != o.staged.size || now.mtim != o.staged.mtim {
		return errors.New("the file changed after it was hashed")
	}
	if !c.durable {
		if err := c.refuseTorn(o); err != nil {
			return err
		}
	}
	how := cas.AdoptMove
	if c.copies {
		how = cas.AdoptCopy
	}
	a, err := c.store.Adopt(dir, name, o.Hash, how)
	if errors.Is(err, cas.ErrCorrupt) {
		return errors.New("the file changed after it was hashed")
	}
	c.copied.Add(a.Copied)
	return err
}

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

// unlinkOthers removes the other staged names of adopted files. Those inodes are blobs now, and nothing may reach a blob
// by another name. A name that stays goes with the staging tree.
func (c *collection) unlinkOthers() {
	for i := range c.outputs {
		o := &c.outputs[i]
		if o.Kind != result.Hardlink || !o.isStaged() {
			continue
		}
		parent, name := split(o.Path)
		dir, err := c.root.dir(parent)
		if err == nil {
			err = unix.Unlinkat(int(dir.Fd()), name, 0)
			dir.Close()
		}
		if err != nil {
			c.log.Debug("staged hardlink not removed", "path", o.Path, "cause", err)
		}
	}
}
