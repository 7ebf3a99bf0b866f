package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// Options are what the staging tree does not tell.
type Options struct {
	// Keep says that somebody may still write to the staging tree: files are copied, the tree stays, and the result is
	// partial. Holders names who that is.
	Keep    bool
	Holders []string
	// Ended is the end of the view as its daemon saw it. Zero: what the run directory says; where it says nothing, the
	// daemon died before that.
	Ended rundir.Ended
	// Logger gets progress, at debug. Nil: none.
	Logger *slog.Logger

	afterPlan func() // a test's chance to die there
}

// Run makes a run's result and publishes it as result.json. The caller holds the run's lock.
//
// It may be called any number of times. A complete result stays as it is. Otherwise the staging tree was kept, and what is
// there is collected again, so that a cause that is gone by now, like a full disk, is gone from the result too.
//
// What goes wrong with single paths stands in the result's errors. An error is returned only where there is no result: the
// context ended, or the run directory can't be read or written. Nothing is lost then either, and Run may be called again.
func Run(ctx context.Context, d *rundir.Dir, s *cas.Local, o Options) (*result.Result, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &collection{run: d, store: s, o: o, spec: d.Spec(), log: o.Logger, start: time.Now()}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("collect: %w", err)
	}
	if c.prior != nil && c.prior.Status == result.Complete {
		c.free()
		return c.prior, nil
	}
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("collect: %w", err)
	}
	defer c.close()
	defer c.unlinkAdopted()
	if c.nothingLeft() {
		return c.prior, nil
	}
	for _, step := range []func(context.Context) error{c.examine, c.hash, c.writePlan, c.adopt} {
		err := step(ctx)
		if isFull(err) {
			return c.giveUp(err)
		}
		if err != nil {
			return nil, fmt.Errorf("collect: %w", err)
		}
	}
	return c.publish()
}

// load reads what earlier collections of this run have left.
func (c *collection) load() error {
	var err error
	if c.prior, err = optional(c.run.Result()); err != nil {
		return err
	}
	c.plan, err = optional(c.run.Plan())
	return err
}

func optional(r *result.Result, err error) (*result.Result, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return r, err
}

// nothingLeft says that a run has a result and no staging tree to make a better one from.
func (c *collection) nothingLeft() bool {
	return c.prior != nil && c.root == nil && !c.readOnly()
}

func (c *collection) readOnly() bool {
	return c.spec.Driver == rundir.DriverNone || c.view.Driver == rundir.DriverNone
}

func (c *collection) free() {
	if err := c.run.FreeStaging(); err != nil {
		c.log.Warn("staging tree not removed", "cause", err)
		return
	}
	c.adopted = nil
}
