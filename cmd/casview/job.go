package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/runstate"
	"github.com/casview/casview/hook/enginecmd"
)

// job is one engine command and the run that it starts.
type job struct {
	app     *app
	name    rundir.RunKey
	engine  enginecmd.Command
	state   string // the state directory
	timeout time.Duration
}

// run runs the command and waits for the result of the run that it started, which is the first one of this name with a
// nonce other than the one that was there before.
func (j job) run(ctx context.Context) error {
	runs, err := rundir.OpenRuns(j.state)
	if err != nil {
		return err
	}
	before, err := j.nonceBefore(runs)
	if err != nil {
		return err
	}
	found := make(chan *runstate.Handle, 1)
	watch, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go func() {
		h, _ := runstate.Next(watch, runs, j.name, before)
		found <- h
	}()
	ctx, signals := relaySignals(ctx)
	defer signals.stop()
	started := time.Now()
	ended, err := j.command(ctx, signals)
	stopWatching()
	h := <-found
	if h == nil && err == nil {
		// The run may be younger than the watcher's last look.
		h, err = j.lastLook(runs, before)
	}
	if h != nil {
		defer h.Close()
	}
	switch {
	case err != nil:
		return j.interrupted(err, h)
	case h == nil:
		return j.noRun(ctx, runs, started, ended)
	}
	if j.engine.Detached() && ended.code == 0 {
		ended = j.awaitContainer(ctx, h.Spec().Container)
	}
	return j.interrupted(j.outcome(ctx, runs, h, ended), h)
}

// interrupted says what goes on when the user has given up.
func (j job) interrupted(err error, h *runstate.Handle) error {
	if !errors.Is(err, context.Canceled) || h == nil {
		return err
	}
	text := "interrupted: if its container goes on, casview result " + string(j.name) + " --wait TIME waits for the result"
	if container := j.toRemove(); container != "" {
		text += ", and the container is for you to remove: " + strings.Join(j.engine.Remove(container, false), " ")
	}
	return &exitError{exitNoOutputs, fmt.Errorf("run %s: %s", j.name, text)}
}

// nonceBefore is the nonce of the run that has the name now, "" if none has. A live one would fail the container.
func (j job) nonceBefore(runs *rundir.Runs) (string, error) {
	d, err := runs.Open(j.name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	s, err := runstate.Of(d)
	if err != nil {
		return "", err
	}
	if s == runstate.Live || s == runstate.Collecting {
		return "", fmt.Errorf("run %s is %s already: choose another name with --run, or wait for it with casview result %s --wait 5m", j.name, s, j.name)
	}
	return d.Spec().Nonce, nil
}

func (j job) lastLook(runs *rundir.Runs, before string) (*runstate.Handle, error) {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	h, err := runstate.Next(now, runs, j.name, before)
	if errors.Is(err, context.Canceled) {
		return nil, nil
	}
	return h, err
}

// outcome waits for the result and turns it into the exit code.
func (j job) outcome(ctx context.Context, runs *rundir.Runs, h *runstate.Handle, ended ending) error {
	bounded, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	b, err := h.Result(bounded)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return j.noRun(ctx, runs, h.Spec().Started, ended)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{exitNoOutputs, fmt.Errorf("run %s: no result within %v: casview result %s --wait TIME waits longer", j.name, j.timeout, j.name)}
	case err != nil:
		return err
	}
	j.removeContainer(ctx, false)
	d, err := runstate.Find(runs, j.name, h.Spec().Nonce)
	if err != nil {
		return err
	}
	j.app.note("result: %s", d.ResultPath())
	r, err := result.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	if r.Status != result.Complete {
		return &exitError{exitNoOutputs, fmt.Errorf("run %s: the outputs are not complete, the result is %s: %s", j.name, r.Status, firstOf(r.Errors))}
	}
	if ended.unknown != nil {
		return &exitError{exitNoOutputs, fmt.Errorf("run %s: the outputs are complete, but the job's exit code is not known: %w", j.name, ended.unknown)}
	}
	if ended.code != 0 {
		return &exitError{code: ended.code}
	}
	return nil
}

// firstOf keeps a list of errors on one line.
func firstOf(errs []string) string {
	switch len(errs) {
	case 0:
		return "no error is given"
	case 1:
		return errs[0]
	}
	return fmt.Sprintf("%s (and %d more)", errs[0], len(errs)-1)
}
