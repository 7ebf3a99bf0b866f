package main

import (
	"context"
	"fmt"
	"time"

	"github.com/casview/casview/fsd/rundir"
)

// withoutView is the usual cause when a container ran and the hook did not. Nothing else tells the user: podman passes over
// a hook whose program is missing, and an engine without hooks knows nothing of annotations.
const withoutView = "casview's hook is not active in this engine, or is that of another installation: casview doctor tells what to do"

// noRun is why there is no run, and no result.
func (j job) noRun(ctx context.Context, runs *rundir.Runs, started time.Time, ended ending) error {
	cause := j.noRunCause(runs, started, ended)
	if j.removeContainer(ctx, true) {
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

func (j job) noRunCause(runs *rundir.Runs, started time.Time, ended ending) error {
	if why, when, err := runs.Refusal(j.name); err == nil && !when.Before(started.Truncate(time.Second)) {
		return fmt.Errorf("the hook refused the container: %s", why)
	}
	switch {
	case ended.unknown != nil:
		return ended.unknown
	case ended.signaled || j.engine.OwnFailure(ended.code):
		return fmt.Errorf("%s exited with %d and no run began: either there was no job, and the engine says above why, or %s",
			j.engine.Program(), ended.code, j.withoutView())
	case ended.code != 0:
		return fmt.Errorf("the job ended with %d, but ran without the view: %s", ended.code, j.withoutView())
	case j.engine.Detached():
		return fmt.Errorf("the container was started without the view: %s", j.withoutView())
	}
	return fmt.Errorf("the container ran without the view: %s", j.withoutView())
}
