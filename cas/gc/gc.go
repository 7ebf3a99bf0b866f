package gc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/ingest"
	"github.com/casview/casview/cas/tree"
)

// Users is what uses a store.
type Users interface {
	// Roots calls add with everything in use. An error means that it is not known, and that nothing may be removed.
	Roots(add func(Root) error) error
	// Expire removes what is too old to be used any longer, which Roots left out, and calls add with what had to stay all the same.
	// It is called when all that is in use is known.
	Expire(add func(Root) error) error
	// Quiet calls fn once, at a moment at which no run can begin until it returns, with the inputs of the runs that have begun
	// since Roots or the last Quiet was called.
	Quiet(fn func(begun []Root) error) error
}

// Options say what to remove.
type Options struct {
	// Grace is how long a blob that nothing uses stays after it was last stored or kept, give or take an hour.
	Grace time.Duration
	// DryRun removes nothing, and reports what would be.
	DryRun bool
	// Progress is called with what is being done and how many blobs that has come to, several times a second and never
	// concurrently; it may be nil.
	Progress func(doing string, blobs int64)
}

// Report is what became of a store's blobs.
type Report struct {
	Removed int64 // blobs
	Bytes   int64 // their sizes added up
	Kept    int64 // blobs
}

// BrokenError says that directories of trees in use are missing or damaged. What only they name can't be told from what is not
// used, so nothing was removed.
type BrokenError struct{ Causes []error }

// Error names the first few.
func (e *BrokenError) Error() string {
	const most = 3
	text := errors.Join(e.Causes[:min(len(e.Causes), most)]...).Error()
	if more := len(e.Causes) - most; more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return text
}

// Unwrap returns all of them.
func (e *BrokenError) Unwrap() []error { return e.Causes }

// keepIndexed is how long the tree of a directory stays in use after it was last ingested.
const keepIndexed = 30 * 24 * time.Hour

// AtWork is how long whatever somebody has begun to write is left alone, however short the grace: nobody is at work that long.
const AtWork = 2 * time.Hour

// Collect removes the blobs that nothing uses. After an error nothing is removed, unless the
// report says so: then some of the room could not be given back. Trees in use that are not whole are a [BrokenError]. One collector at a time may work on a store: for another one that is an error.
func Collect(ctx context.Context, store *cas.Local, users Users, o Options) (Report, error) {
	unlock, err := store.LockCollector()
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	now := time.Now()
	c := &collector{store: store, users: users, options: o, before: now.Add(-o.Grace), marks: marks{}}
	if err := c.collect(ctx, now); err != nil {
		return c.report, fmt.Errorf("gc: %w", err)
	}
	return c.report, nil
}

type collector struct {
	store   *cas.Local
	users   Users
	options Options
	before  time.Time // what was stored or kept later is young
	marks   marks
	broken  []error
	report  Report
	told    time.Time
}

func (c *collector) collect(ctx context.Context, now time.Time) error {
	if !c.options.DryRun {
		if err := c.store.ReprieveAll(); err != nil {
			return err
		}
	}
	if err := c.markAll(ctx, now); err != nil {
		return err
	}
	if c.options.DryRun {
		return c.each(ctx, c.store.Unused)
	}
	err := c.users.Expire(func(r Root) error { return c.markWhole(ctx, r, c.marked) })
	if err != nil {
		return err
	}
	err = c.each(ctx, c.store.Condemn)
	if err == nil {
		err = c.bury(ctx)
	}
	if err != nil {
		c.report.Removed, c.report.Bytes = 0, 0
		return errors.Join(err, c.store.ReprieveAll())
	}
	return c.tidy(now)
}

func (c *collector) markAll(ctx context.Context, now time.Time) error {
	err := c.users.Roots(func(r Root) error { return c.mark(ctx, r, c.marked) })
	if err != nil {
		return err
	}
	if len(c.broken) > 0 {
		return &BrokenError{c.broken}
	}
	indexed, err := ingest.Indexed(c.store, now.Add(-keepIndexed))
	if err != nil {
		return err
	}
	for _, root := range indexed {
		if err := c.mark(ctx, Root{Digest: root, Tree: true, Of: "an ingested directory"}, c.marked); err != nil {
			return err
		}
	}
	// An index only saves work: what its tree has lost, the next ingest stores again.
	c.broken = nil
	return nil
}

// markWhole is mark where nothing may be missing.
func (c *collector) markWhole(ctx context.Context, r Root, found func(cas.Digest) error) error {
	if err := c.mark(ctx, r, found); err != nil {
		return err
	}
	if len(c.broken) > 0 {
		return &BrokenError{c.broken}
	}
	return nil
}

func (c *collector) marked(cas.Digest) error {
	c.tell("marking", int64(len(c.marks)))
	return nil
}

// each calls remove for all blobs that are not marked.
func (c *collector) each(ctx context.Context, remove func(cas.Digest, time.Time) (size int64, ok bool, err error)) error {
	return c.store.Each(func(d cas.Digest) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.tell("sweeping", c.report.Kept+c.report.Removed)
		if _, marked := c.marks[d]; marked {
			c.report.Kept++
			return nil
		}
		size, ok, err := remove(d, c.before)
		if err != nil {
			return err
		}
		if !ok {
			c.report.Kept++
			return nil
		}
		c.report.Removed++
		c.report.Bytes += size
		return nil
	})
}

// bury gives up what is condemned, when no run that has begun uses any of it.
func (c *collector) bury(ctx context.Context) error {
	for {
		var late []Root
		err := c.users.Quiet(func(begun []Root) error {
			for _, r := range begun {
				if !c.marks[r.Digest] {
					late = append(late, r)
				}
			}
			if len(late) > 0 {
				return nil
			}
			return c.store.Bury()
		})
		if err != nil || len(late) == 0 {
			return err
		}
		for _, r := range late {
			r.Elsewhere = true // a run that is about to be refused
			if err := c.markWhole(ctx, r, c.reprieve); err != nil {
				return err
			}
		}
	}
}

// reprieve puts back a blob that was not in use when the others were marked.
func (c *collector) reprieve(d cas.Digest) error {
	size, condemned, err := c.store.Reprieve(d)
	if condemned {
		c.report.Removed--
		c.report.Bytes -= size
		c.report.Kept++
	}
	return err
}

// tidy removes what is left of what is gone: files on their way in, and indexes that lead nowhere.
func (c *collector) tidy(now time.Time) error {
	begun := now.Add(-max(AtWork, c.options.Grace))
	if err := c.store.Sweep(begun); err != nil {
		return err
	}
	if err := ingest.DropIndexes(c.store, now.Add(-keepIndexed)); err != nil {
		return err
	}
	return tree.DropLarge(c.store, begun)
}

func (c *collector) tell(doing string, blobs int64) {
	if c.options.Progress != nil && time.Since(c.told) > 100*time.Millisecond {
		c.told = time.Now()
		c.options.Progress(doing, blobs)
	}
}
