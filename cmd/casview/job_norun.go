package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/enginecmd"
)

// withoutView is the usual cause when a container ran and the hook did not. Nothing else tells the user: podman passes over
// a hook whose program is missing, and an engine without hooks knows nothing of annotations.
const withoutView = "casview's hook is not active in this engine, or is that of another installation: casview doctor tells what to do"

// traceTimeout bounds a question to an engine that has just failed.
const traceTimeout = 10 * time.Second

// noRun is why there is no run, and no result. An engine that started no container has said so itself.
func (j job) noRun(ctx context.Context, runs *rundir.Runs, started time.Time, ended ending) error {
	cause := j.noRunCause(ctx, runs, started, ended)
	removed := j.removeContainer(ctx, true)
	if cause == nil {
		return &exitError{code: ended.code}
	}
	if removed {
		cause = fmt.Errorf("%w; the container was removed", cause)
	}
	return &exitError{exitNoOutputs, fmt.Errorf("run %s: %w", j.name, cause)}
}

// withoutView is the cause when a container ran and the hook did not.
func (j job) withoutView() string {
	if option := j.engine.OtherRuntime(); option != "" {
		return option + " starts containers without casview, unless it is casview-runtime: leave it out"
	}
	return withoutView
}

// noRunCause is nil if the engine failed before it started a container.
func (j job) noRunCause(ctx context.Context, runs *rundir.Runs, started time.Time, ended ending) error {
	if why, when, err := runs.Refusal(j.name); err == nil && !when.Before(started.Truncate(time.Second)) {
		return fmt.Errorf("the hook refused the container: %s", why)
	}
	switch {
	case ended.unknown != nil:
		return ended.unknown
	case ended.signaled:
		return fmt.Errorf("%s was ended by signal %d, and no run began", j.engine.Program(), ended.code-128)
	case j.engine.OwnFailure(ended.code):
		return j.ownFailure(ctx, started, ended)
	case ended.code != 0:
		return fmt.Errorf("the job ended with %d, but ran without the view: %s", ended.code, j.withoutView())
	case j.engine.Detached():
		return fmt.Errorf("the container was started without the view: %s", j.withoutView())
	}
	return fmt.Errorf("the container ran without the view: %s", j.withoutView())
}

// ownFailure looks at what the engine has left of the container: its exit code may also be the job's.
func (j job) ownFailure(ctx context.Context, started time.Time, ended ending) error {
	ctx, cancel := context.WithTimeout(ctx, traceTimeout)
	defer cancel()
	trace := j.engine.Trace(ctx, started)
	switch trace {
	case enginecmd.NoContainer:
		return nil
	case enginecmd.Started:
		return fmt.Errorf("the job ended with %d, but ran without the view: %s", ended.code, j.withoutView())
	case enginecmd.NotStarted, enginecmd.Unknown:
	}
	// A hook that can't write has left no refusal.
	if err := writable(j.state); err != nil {
		return fmt.Errorf("the container can't have a view: the state directory can't be written to: %w", err)
	}
	if trace == enginecmd.NotStarted {
		return nil
	}
	return fmt.Errorf("%s exited with %d and no run began: either there was no job, and the engine says above why, or %s",
		j.engine.Program(), ended.code, j.withoutView())
}

// writable writes what a new run needs at least: its directory's reserve.
func writable(state string) error {
	f, err := os.CreateTemp(state, ".room-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 64<<10))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}
