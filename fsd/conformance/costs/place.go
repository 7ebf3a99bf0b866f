package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// column is one way to give a job its inputs.
type column struct {
	Name string
	// driver and data are the view's; without a driver it is a plain directory.
	driver, data string
}

func columns() []column {
	return []column{
		{Name: "plain"},
		{Name: "overlay", driver: "overlay", data: "cached"},
		{Name: "fuse cached", driver: "fuse", data: "cached"},
		{Name: "fuse passthrough", driver: "fuse", data: "passthrough"},
	}
}

// place is where the inputs are, and nobody has looked at them yet.
type place struct {
	dir string
	// end takes the place away. Nobody may use it any more.
	end func() (outcome, error)
}

// outcome is what is known of a place in the end. A plain directory has none.
type outcome struct {
	requests map[string]uint64 // all that the kernel has sent to the daemon
	driver   string
	data     string
	reason   string // for data
}

// open makes a place. When ctx ends, so does a view, whether or not somebody is stuck in it.
func (s *site) open(ctx context.Context, c column) (*place, error) {
	dir, err := s.newDir()
	if err != nil {
		return nil, err
	}
	if c.driver == "" {
		p := &place{dir: filepath.Join(dir, "view"), end: func() (outcome, error) { return outcome{}, os.RemoveAll(dir) }}
		return p, makeInputs(p.dir)
	}
	v, err := s.mount(c, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop := context.AfterFunc(ctx, v.insist)
	return &place{dir: v.dir, end: func() (outcome, error) {
		o, err := v.end()
		stop()
		return o, errors.Join(err, os.RemoveAll(dir))
	}}, nil
}

// view is a `casview mount` that runs.
type view struct {
	dir    string
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr notice
	ended  chan struct{} // closed when the program has ended, with err
	err    error
}

// patience is for how long the program may take for a mount, or for its end.
const patience = time.Minute

func (s *site) mount(c column, dir string) (*view, error) {
	v := &view{dir: filepath.Join(dir, "view"), ended: make(chan struct{})}
	if err := os.Mkdir(v.dir, 0o755); err != nil {
		return nil, err
	}
	v.cmd = s.command(c.data, "mount", s.inputs, v.dir, "--driver", c.driver, "--staging", filepath.Join(dir, "staging"))
	v.stderr = notice{word: "casview: mounted ", said: make(chan struct{})}
	v.cmd.Stdout, v.cmd.Stderr = &v.stdout, &v.stderr
	// It unmounts on SIGTERM: when this program is killed, and not when somebody presses Ctrl-C for it.
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := v.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		v.err = v.cmd.Wait()
		close(v.ended)
	}()
	select {
	case <-v.stderr.said:
		return v, nil
	case <-v.ended:
	case <-time.After(patience):
		v.insist()
	}
	return nil, v.failure("mount")
}

// insist ends a view that does not end by itself. At the first signal casview unmounts it, at the second one it tells
// the daemon to go, and then no system call waits for that any longer.
func (v *view) insist() {
	for {
		select {
		case <-v.ended:
			return
		case <-time.After(10 * time.Second):
			_ = v.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
}

// end unmounts the view and reads the result.
func (v *view) end() (outcome, error) {
	if err := v.unmount(); err != nil {
		v.insist()
		return outcome{}, err
	}
	select {
	case <-v.ended:
	case <-time.After(patience):
		v.insist()
	}
	if v.err != nil {
		return outcome{}, v.failure("end")
	}
	return v.outcome()
}

// unmount tries again where the view is busy: the daemon has it open until it has handed it over, and that may be a
// little after casview said that it is there.
func (v *view) unmount() (err error) {
	for range 100 {
		if err = unix.Unmount(v.dir, unix.UMOUNT_NOFOLLOW); err != unix.EBUSY {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", v.dir, err)
	}
	return nil
}

func (v *view) failure(what string) error {
	return fmt.Errorf("%s a view: %w: %s", what, errors.Join(errors.New("casview mount"), v.err), v.stderr.String())
}

// outcome reads result.json.
func (v *view) outcome() (outcome, error) {
	var r struct {
		Driver string `json:"staging_driver"`
		Stats  struct {
			Requests map[string]uint64 `json:"fuse_requests"`
			Data     string            `json:"staging_data"`
			Reason   string            `json:"staging_data_reason"`
			Failed   uint64            `json:"failed_passthrough"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(v.stdout.Bytes(), &r); err != nil {
		return outcome{}, fmt.Errorf("the result of casview mount: %w", err)
	}
	if r.Stats.Failed > 0 {
		return outcome{}, fmt.Errorf("%d opens were not passed through", r.Stats.Failed)
	}
	return outcome{requests: r.Stats.Requests, driver: r.Driver, data: r.Stats.Data, reason: r.Stats.Reason}, nil
}

// notice keeps what a program says, and tells when it has said a word.
type notice struct {
	word string
	said chan struct{}

	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (n *notice) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := strings.Contains(n.text.String(), n.word)
	n.text.Write(p)
	if !before && strings.Contains(n.text.String(), n.word) {
		close(n.said)
	}
	return len(p), nil
}

// String returns all of it.
func (n *notice) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.TrimSpace(n.text.String())
}
