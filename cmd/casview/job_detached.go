package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// awaitContainer waits until a detached container has ended, and returns the job's exit code.
func (j job) awaitContainer(ctx context.Context, container string) ending {
	wait := j.engine.Wait(container)
	cmd := background(ctx, wait.Argv)
	var printed, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &complaint
	if !wait.Prints {
		cmd.Stdout, cmd.Stderr = j.app.out, io.MultiWriter(j.app.err, &complaint)
	}
	err := cmd.Run()
	code, ok := wait.ExitCode(cmd.ProcessState, printed.String(), complaint.String())
	if !ok {
		return ending{unknown: fmt.Errorf("%s: %w", strings.Join(wait.Argv, " "), errors.Join(err, errors.New(strings.TrimSpace(complaint.String()))))}
	}
	return ending{code: code}
}

// removeContainer does what `run -d --rm` would have done by itself. The engine says why it can't.
func (j job) removeContainer(ctx context.Context, container string, force bool) {
	argv := j.engine.Remove(container, force)
	if argv == nil {
		return
	}
	cmd := background(ctx, argv)
	cmd.Stderr = j.app.err
	if err := cmd.Run(); err != nil {
		j.app.note("container %s remains: %v", container, err)
	}
}

// background is a command that Ctrl-C on the terminal does not reach: ctr would hand it on to a job that nobody is
// attached to.
func background(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
