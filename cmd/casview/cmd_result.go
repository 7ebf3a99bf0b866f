package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/runstate"
)

const resultCodes = `Exit codes: 0 complete, 3 partial (outputs were lost or refused: "errors" says which),
4 failed (no outputs), 5 not ended in time, 6 no such run, 1 other failures, 2 wrong usage.`

func (a *app) resultCmd() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "result RUN",
		Short: "Print the result of a run, waiting for it if asked to",
		Long: `Print result.json (schema casview.result/v1) of a run, named by its name or by its
container's id.

` + resultCodes,
		Example: `  casview result build-17 --wait 60s
  casview result build-17 | jq -r '.hashed_files | to_entries[] | "\(.value.hash) \(.key)"'`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			if wait < 0 {
				return usagef(cmd, "--wait %s: want a time of 0 or more", wait)
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			_, runs, err := a.openRuns()
			if err != nil {
				return err
			}
			d, err := findRun(runs, args[0])
			if err != nil {
				return err
			}
			b, err := waitResult(ctx, d, wait)
			if err != nil {
				return err
			}
			if _, err := a.out.Write(b); err != nil {
				return err
			}
			return resultExit(b)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait at most this `TIME` for the run to end, as 60s or 5m")
	return cmd
}

// findRun opens a run by name or container, or asks for the exit code of no such run.
func findRun(runs *rundir.Runs, name string) (*rundir.Dir, error) {
	d, err := runstate.Lookup(runs, name)
	if errors.Is(err, fs.ErrNotExist) {
		if why, _, err := runs.Refusal(rundir.KeyOfContainer(name)); err == nil {
			return nil, &exitError{exitNoRun, fmt.Errorf("no run %q: the hook refused its container: %s", name, why)}
		}
		return nil, &exitError{exitNoRun, fmt.Errorf("no run %q: casview ps lists all; "+
			"if its container has run, it ran without the view, and casview doctor tells why", name)}
	}
	return d, err
}

func waitResult(ctx context.Context, d *rundir.Dir, wait time.Duration) ([]byte, error) {
	h, err := runstate.Hold(d)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	b, err := h.Result(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, notEnded(d)
	case errors.Is(err, fs.ErrNotExist):
		return nil, &exitError{exitNoRun, fmt.Errorf("run %s was removed: its container did not start", d.Key())}
	}
	return b, err
}

func notEnded(d *rundir.Dir) error {
	state, err := runstate.Of(d)
	if err != nil {
		return err
	}
	hint := "wait longer with casview result --wait"
	if state == runstate.Uncollected {
		hint = fmt.Sprintf("its daemon ended without one (see %s): casview-fsd collect %s makes it from disk", d.LogPath(), d.Key())
	}
	return &exitError{exitNotEnded, fmt.Errorf("run %s has no result yet, it is %s: %s", d.Key(), state, hint)}
}

// resultExit is the exit code of a result, or nil when it is complete.
func resultExit(b []byte) error {
	status, err := runstate.Status(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	switch status {
	case result.Complete:
		return nil
	case result.Partial:
		return &exitError{code: exitPartial}
	}
	return &exitError{code: exitFailed}
}
