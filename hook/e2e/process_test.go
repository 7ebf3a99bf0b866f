package e2e

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// outcome is what the engine's user sees of a container.
type outcome struct {
	code           int
	stdout, stderr string
	err            error // the command did not end by itself
}

// process is a started engine command.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr buffer
}

// buffer is a bytes.Buffer that may be looked at while a process writes to it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// longest is how long a container may take on a slow host. A test that reaches it fails.
const longest = 2 * time.Minute

// start starts an engine command. The command is killed when the test ends before it does.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	t.Cleanup(cancel)
	p := &process{cmd: exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)}
	p.cmd.Args, p.cmd.Env, p.cmd.Dir, p.cmd.SysProcAttr, p.cmd.Stdin = cmd.Args, cmd.Env, cmd.Dir, cmd.SysProcAttr, cmd.Stdin
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	// A daemon that kept the pipes would hold up every `runc create`; here it is an error.
	p.cmd.WaitDelay = 5 * time.Second
	must(t, p.cmd.Start())
	return p
}

// wait waits for the command's end. Only a command that could not end by itself fails the test.
func (p *process) wait(t *testing.T) outcome {
	t.Helper()
	o := p.end()
	if o.err != nil {
		t.Fatalf("%s: %v\nstdout: %s\nstderr: %s", strings.Join(p.cmd.Args, " "), o.err, o.stdout, o.stderr)
	}
	return o
}

// end is wait for goroutines of a test, where it can't be failed.
func (p *process) end() outcome {
	err := p.cmd.Wait()
	o := outcome{code: p.cmd.ProcessState.ExitCode(), stdout: p.stdout.String(), stderr: p.stderr.String()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.err = err
	}
	return o
}

// run runs a command to its end.
func run(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	return start(t, cmd).wait(t)
}

// output runs a command that must succeed, and returns its stdout without the last newline.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	o := run(t, cmd)
	if o.code != 0 {
		t.Fatalf("%s: exit %d\nstdout: %s\nstderr: %s", strings.Join(cmd.Args, " "), o.code, o.stdout, o.stderr)
	}
	return strings.TrimSuffix(o.stdout, "\n")
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
