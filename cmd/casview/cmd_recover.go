package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/casview/casview/fsd/holders"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/runstate"
	"github.com/casview/casview/hook"
	"github.com/casview/casview/hook/daemon"
)

func (a *app) recoverCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "recover",
		Short: "Make the results of runs whose daemon died",
		Long: `Make the result of each run that is uncollected: its daemon was killed or the host went
down before there was one, and its container's end was never reported. Prints a line
for each: its status and the path of its result.json.

A run that some process still uses is left alone, and said so on stderr; so are live
ones. Packages start this command every quarter of an hour, and at boot.

Exit codes: 0 done, also when a result is not complete, 1 a run has no result, 2 wrong usage.`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return a.recover(ctx)
		},
	}
}

func (a *app) recover(ctx context.Context) error {
	c, runs, err := a.openRuns()
	if err != nil {
		return err
	}
	fsd, err := daemon.BesideSelf()
	if err != nil {
		return err
	}
	all, broken := runs.List()
	for _, d := range all {
		err := a.recoverRun(ctx, hook.Env{FSD: fsd, Dir: "/", Started: time.Now()}, c.State, runs, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		broken = errors.Join(broken, err) // one run must not keep the others from their results
	}
	return broken
}

func (a *app) recoverRun(ctx context.Context, env hook.Env, stateDir string, runs *rundir.Runs, d *rundir.Dir) error {
	state, err := runstate.Of(d)
	if err != nil {
		return fmt.Errorf("run %s: %w", d.Key(), err)
	}
	if state != runstate.Uncollected {
		return nil
	}
	if users := holders.Of(d.Spec().MountSource()); len(users) > 0 {
		a.note("run %s has no daemon, but is still in use by %s: left alone", d.Key(), strings.Join(users, ", "))
		return nil
	}
	status, err := hook.Recover(ctx, env, stateDir, runs, d)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, status, oneLine(d.ResultPath()))
	return err
}
