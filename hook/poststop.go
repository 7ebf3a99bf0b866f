package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/daemon"
	"github.com/casview/casview/hook/state"
)

// Poststop is the poststop hook: it waits until the container's run has a result, and sees to it that it gets one. A
// container without a run is no error, nor is being called twice. A result that is not complete is an Incomplete.
//
// It takes nothing from the container's state but the id: pid, bundle and annotations may be gone by now.
func Poststop(ctx context.Context, env Env, cfg config.Config, in io.Reader) error {
	s, err := state.Read(in)
	if err != nil {
		return err
	}
	runs, err := rundir.OpenRuns(cfg.State)
	if err != nil {
		return err
	}
	run, err := runs.OfContainer(s.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return runs.UnbindContainer(s.ID) // perhaps the run was removed by hand
	}
	if err != nil {
		return err
	}
	// Read while it is there: a daemon that nobody told to go on takes the run away with it.
	made, _ := run.Attachment()
	log, err := openLog(run, "poststop")
	if errors.Is(err, fs.ErrNotExist) {
		return givenUp(ctx, cfg.State, runs, run, made)
	}
	if err != nil {
		return err
	}
	defer log.close()
	e := &ending{env: env, run: run, log: log, timeout: run.Spec().Timeout}
	if err := e.settle(ctx); err != nil {
		if !exists(run.Path()) {
			return givenUp(ctx, cfg.State, runs, run, made)
		}
		log.Error("no result", "cause", err)
		return fmt.Errorf("run %s: %w", run.Key(), err)
	}
	log.step("the run is over")
	e.cleanUp(ctx, cfg.State, runs)
	return outcome(run)
}

// givenUp ends a container whose create hook was killed before it could attach the view. There was no job, and the daemon
// has removed the run.
func givenUp(ctx context.Context, stateDir string, runs *rundir.Runs, run *rundir.Dir, made rundir.Attachment) error {
	return errors.Join(forget(ctx, stateDir, runs, run, made), runs.UnbindContainer(run.Spec().Container))
}

// errGoesOn says that outputs are on their way although the bound has passed.
var errGoesOn = errors.New("outputs are still being collected (casview result --wait tells when they are there)")

// ending is a run whose container has ended.
type ending struct {
	env     Env
	run     *rundir.Dir
	log     *runLog
	timeout time.Duration
	// held says that somebody kept the view in use past the bound.
	held bool
}

// settle returns when there is a result.
func (e *ending) settle(ctx context.Context) error {
	d, err := daemon.Find(e.run)
	if err != nil {
		e.log.Warn("the daemon can't be watched", "cause", err)
	}
	if d != nil {
		defer d.Close()
		if err := e.awaitDaemon(ctx, d); err != nil {
			return err
		}
		e.log.step("the daemon has ended", "held", e.held)
	}
	if exists(e.run.ResultPath()) {
		e.freeStaging()
		return nil
	}
	return e.collect(ctx)
}

// freeStaging finishes what a daemon began that was killed between its result and its end.
func (e *ending) freeStaging() {
	if !exists(e.run.StagingPath()) {
		return
	}
	lock, err := e.run.TryLock()
	if err != nil {
		return // somebody is at it
	}
	defer lock.Close()
	status, _, err := head(e.run.ResultPath())
	if err == nil && status == result.Complete {
		err = e.run.FreeStaging()
	}
	if err != nil {
		e.log.Warn("the staging tree remains", "cause", err)
	}
}

// awaitDaemon returns when the daemon is gone. One whose view is still in use after the bound is told to collect what is
// there, and one that does not react is killed.
func (e *ending) awaitDaemon(ctx context.Context, d *daemon.Running) error {
	if ended, err := within(ctx, e.timeout, d.Wait); ended || err != nil {
		return err
	}
	if e.collecting() {
		return errGoesOn
	}
	e.held = true
	e.log.Warn("the view is still in use: collecting what is there", "after", e.timeout)
	if err := d.Terminate(); err != nil {
		e.log.Warn("the daemon can't be told to collect", "cause", err)
	}
	if ended, err := within(ctx, stopTimeout, d.Wait); ended || err != nil {
		return err
	}
	if !e.collecting() {
		e.log.Warn("the daemon does not react: killing it", "after", stopTimeout)
		if err := d.Kill(); err != nil {
			return fmt.Errorf("kill the daemon: %w", err)
		}
	}
	if ended, err := within(ctx, e.timeout, d.Wait); ended || err != nil {
		return err
	}
	return errGoesOn
}

// collecting tells whether the daemon is done with serving.
func (e *ending) collecting() bool {
	_, err := e.run.Ended()
	return err == nil
}

// collect makes the result of a run that has no daemon. Somebody else may be at it already.
func (e *ending) collect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	lock, err := e.run.WaitLock(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errGoesOn
	}
	if err != nil {
		return err
	}
	lock.Close()
	if exists(e.run.ResultPath()) {
		return nil
	}
	e.log.step("no daemon and no result: collecting")
	err = daemon.Collect(ctx, e.env.FSD, e.run, e.held)
	switch {
	case exists(e.run.ResultPath()): // whatever happened then, possibly in another collection
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return errGoesOn
	case err == nil:
		return errors.New("collected, but there is no result")
	}
	return err
}

// cleanUp forgets the container and removes what was made in its root filesystem. Trouble is no reason to fail.
func (e *ending) cleanUp(ctx context.Context, stateDir string, runs *rundir.Runs) {
	var err error
	if e.held {
		// The view is still in use somewhere: removing its directory would unmount it there.
		err = unbind(runs, e.run)
	} else {
		err = forget(ctx, stateDir, runs, e.run, rundir.Attachment{})
	}
	if err != nil {
		e.log.Warn("directories made for the target, or the container's name, may remain", "cause", err)
	}
}

// within waits with a bound of its own. ended is false when the bound has passed; an error means that ctx has ended.
func within(ctx context.Context, bound time.Duration, wait func(context.Context) error) (ended bool, err error) {
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	switch err := wait(bounded); {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	return false, nil
}
