package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/runstate"
)

// job is one engine command and the run that it starts.
type job struct {
	app     *app
	name    rundir.RunKey
	argv    []string
	timeout time.Duration
}

// run runs the command and waits for the result of the run that it started, which is the first one of this name with a
// nonce other than the one that was there before.
func (j job) run(ctx context.Context, stateDir string) error {
	runs, err := rundir.OpenRuns(stateDir)
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
	started := time.Now()
	code, err := j.command(ctx)
	stopWatching()
	h := <-found
	if h == nil && err == nil {
		// The run may be younger than the watcher's last look.
		h, err = j.lastLook(runs, before)
	}
	if err != nil {
		return err
	}
	if h == nil {
		return j.noRun(runs, started, code)
	}
	defer h.Close()
	return j.outcome(ctx, runs, h, code)
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

// command runs the engine and returns its exit code, 128 and the signal's number if a signal ended it.
func (j job) command(ctx context.Context) (int, error) {
	cmd := exec.CommandContext(ctx, j.argv[0], j.argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = j.app.in, j.app.out, j.app.err
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan struct{})
	go forward(signals, cmd.Process, ended)
	err := cmd.Wait()
	close(ended)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// forward hands signals on. Ctrl-C on a terminal reaches the whole foreground process group, the engine included: handing
// it on would make it two, which many jobs take for "stop at once".
func forward(signals <-chan os.Signal, to *os.Process, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			if s == syscall.SIGINT && inForeground() {
				continue
			}
			_ = to.Signal(s) // it may have ended
		}
	}
}

// inForeground tells whether this process group is the one that the terminal sends Ctrl-C to.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func (j job) noRun(runs *rundir.Runs, started time.Time, code int) error {
	if why, when, err := runs.Refusal(j.name); err == nil && !when.Before(started.Truncate(time.Second)) {
		return &exitError{exitNoOutputs, fmt.Errorf("run %s: the hook refused the container: %s", j.name, why)}
	}
	if code != 0 {
		return &exitError{exitNoOutputs, fmt.Errorf("run %s: the container did not start on the view: %s exited with %d; if the job itself ran, casview's hook is not active in this engine: see casview install", j.name, j.argv[0], code)}
	}
	return &exitError{exitNoOutputs, fmt.Errorf("run %s: the container ran without the view: casview's hook is not active in this engine: see casview install", j.name)}
}

// outcome waits for the result and turns it into the exit code.
func (j job) outcome(ctx context.Context, runs *rundir.Runs, h *runstate.Handle, code int) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	b, err := h.Result(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return j.noRun(runs, h.Spec().Started, code)
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{exitNoOutputs, fmt.Errorf("run %s: no result within %v: casview result %s --wait TIME waits longer", j.name, j.timeout, j.name)}
	case err != nil:
		return err
	}
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
	if code != 0 {
		return &exitError{code: code}
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
