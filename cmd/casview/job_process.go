package main

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
)

// ending is how an engine's command ended.
type ending struct {
	// code is the exit code, or 128 and the signal's number if a signal ended the command.
	code     int
	signaled bool
	// unknown says why the job's exit code could not be found out.
	unknown error
}

// help lets the engine print its help.
func (j job) help(ctx context.Context) error {
	ctx, signals := relaySignals(ctx)
	defer signals.stop()
	ended, err := j.command(ctx, signals)
	if err == nil && ended.code != 0 {
		err = &exitError{code: ended.code}
	}
	return err
}

// command runs the engine in this process group, so that its container may use the terminal.
func (j job) command(ctx context.Context, signals *signalRelay) (ending, error) {
	argv := j.engine.Argv()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = j.app.in, j.app.out, j.app.err
	if err := cmd.Start(); err != nil {
		return ending{}, err
	}
	signals.to(cmd.Process)
	err := cmd.Wait()
	signals.to(nil)
	if ctx.Err() != nil {
		return ending{}, ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return ending{}, err
	}
	e := ending{code: cmd.ProcessState.ExitCode()}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		e.code, e.signaled = 128+int(status.Signal()), true
	}
	return e, nil
}
