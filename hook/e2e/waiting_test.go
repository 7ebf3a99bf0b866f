package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// waiting is a container whose job has written the file `ready` and now waits to be killed, or told to end with 7.
type waiting struct {
	name   string // of the run
	token  string
	engine *process
}

// startWaiting starts a job's container with a script that waits instead of the job's own command.
func startWaiting(t *testing.T, e engine, j job) *waiting {
	t.Helper()
	w := &waiting{name: j.run, token: unique("token")}
	// The shell is the container's init, and its arguments carry the token by which it is found on the host.
	const script = "trap 'exit 7' TERM; trap '' INT; cd /workspace; echo ready > ready; while true; do sleep 1000 & wait; done"
	j.args = []string{"/bin/sh", "-c", script, w.token}
	w.engine = start(t, e.command(t, j))
	// Without this a failing test would leave the container.
	t.Cleanup(func() {
		if pid, err := w.find(); err == nil {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	})
	eventually(t, func() error {
		if _, err := w.find(); err != nil {
			return fmt.Errorf("%w (stderr %q)", err, w.engine.stderr.String())
		}
		b, err := os.ReadFile(filepath.Join(e.site().runDir(w.name), "staging/upper/ready"))
		if err == nil && string(b) != "ready\n" {
			err = fmt.Errorf("ready holds %q", b)
		}
		return err
	})
	return w
}

// find finds the job's first process.
func (w *waiting) find() (int, error) {
	for _, p := range processes() {
		if filepath.Base(p.exe) == "busybox" && slices.Contains(p.args, w.token) && p.state != "Z" {
			return p.pid, nil
		}
	}
	return 0, fmt.Errorf("the job %s does not run", w.token)
}

func (w *waiting) pid(t *testing.T) int {
	t.Helper()
	pid, err := w.find()
	must(t, err)
	return pid
}

// terminate lets the job end by itself.
func (w *waiting) terminate(t *testing.T) {
	t.Helper()
	must(t, unix.Kill(w.pid(t), unix.SIGTERM))
}

// kill ends the job the hard way.
func (w *waiting) kill(t *testing.T) {
	t.Helper()
	must(t, unix.Kill(w.pid(t), unix.SIGKILL))
}
