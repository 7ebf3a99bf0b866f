package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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

// removeContainer does what `run -d --rm` would have done by itself, and tells whether it did. The engine says why it can't.
func (j job) removeContainer(ctx context.Context, force bool) bool {
	container := j.toRemove()
	if container == "" {
		return false
	}
	argv := j.engine.Remove(container, force)
	cmd := background(ctx, argv)
	cmd.Stderr = j.app.err
	if err := cmd.Run(); err != nil {
		j.app.note("container %s remains: %v", container, err)
		return false
	}
	return true
}

// toRemove is the id of a container that is for casview to remove, "" if there is none.
func (j job) toRemove() string {
	if j.engine.IDFile() == "" {
		return ""
	}
	id, err := os.ReadFile(j.engine.IDFile())
	if err != nil {
		return "" // the engine has made none
	}
	return strings.TrimSpace(string(id))
}

// background is a command that Ctrl-C on the terminal does not reach: ctr would hand it on to a job that nobody is
// attached to.
func background(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
