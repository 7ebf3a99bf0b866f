package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// ending is how an engine's command ended.
type ending struct {
	// code is the exit code, or 128 and the signal's number if a signal ended the command.
	code     int
	signaled bool
	// unknown says why the job's exit code could not be found out.
	unknown error
	// container is the id that a detached command has printed.
	container string
}

// command runs the engine in this process group, so that its container may use the terminal.
func (j job) command(ctx context.Context, signals *signalRelay) (ending, error) {
	argv := j.engine.Argv()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = j.app.in, j.app.out, j.app.err
	var printed bytes.Buffer
	if j.engine.Detached() {
		cmd.Stdout = io.MultiWriter(j.app.out, &printed)
	}
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
	e := ending{code: cmd.ProcessState.ExitCode(), container: lastWord(printed.String())}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		e.code, e.signaled = 128+int(status.Signal()), true
	}
	return e, nil
}

func lastWord(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}
