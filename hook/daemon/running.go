package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// Running is a live daemon that some other process started.
type Running struct{ pidfd int }

// Find finds the daemon of a run, or returns nil when it is not alive.
func Find(run *rundir.Dir) (*Running, error) {
	v, err := run.View()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it never came as far as a view
	}
	if err != nil {
		return nil, err
	}
	pidfd, err := unix.PidfdOpen(v.PID, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pidfd_open %d: %w", v.PID, err)
	}
	r := &Running{pidfd: pidfd}
	// The number may have passed to another process. While the pidfd says that its process lives, the number is still that
	// process's, so what /proc says in between is about the process that the pidfd means.
	if !serves(v.PID, run.Path()) || r.ended(0) {
		r.Close()
		return nil, nil
	}
	return r, nil
}

func serves(pid int, runPath string) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return false
	}
	args := bytes.Split(bytes.TrimSuffix(b, []byte{0}), []byte{0})
	return slices.EqualFunc(args, []string{Program, "serve", runPath}, func(got []byte, want string) bool { return string(got) == want })
}

// Wait returns nil when the daemon has ended, or the context's error.
func (r *Running) Wait(ctx context.Context) error {
	// poll does not see the context: look up now and then.
	for !r.ended(50 * time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Running) ended(within time.Duration) bool {
	fds := []unix.PollFd{{Fd: int32(r.pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(within.Milliseconds()))
	return err == nil && n == 1
}

// Terminate asks the daemon to collect although its view is still held.
func (r *Running) Terminate() error { return unix.PidfdSendSignal(r.pidfd, unix.SIGTERM, nil, 0) }

// Kill ends the daemon at once. Its staging tree is complete on disk.
func (r *Running) Kill() error { return unix.PidfdSendSignal(r.pidfd, unix.SIGKILL, nil, 0) }

// Close lets go of the daemon.
func (r *Running) Close() { unix.Close(r.pidfd) }
