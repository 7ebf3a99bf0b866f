package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// Daemon is a casview-fsd that this process started. Its methods are for one goroutine, except that Kill may be called at
// any time before Wait has returned.
type Daemon struct {
	process *os.Process
	sock    *os.File
}

// StartFSD starts the daemon of a run. The daemon shares the lock from now on; the caller still closes its own share, but
// not before Ready has returned.
func StartFSD(program string, run *rundir.Dir, lock *rundir.Lock) (*Daemon, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("start %s: socketpair: %w", Program, err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "daemon"), os.NewFile(uintptr(pair[1]), "starter")
	defer theirs.Close()
	// The order is that of rundir.SocketFD and rundir.LockFD.
	p, err := spawn(program, nil, []*os.File{theirs, lock.File()}, "serve", run.Path())
	if err != nil {
		ours.Close()
		return nil, err
	}
	return &Daemon{process: p, sock: ours}, nil
}

// PID is the daemon's process id.
func (d *Daemon) PID() int { return d.process.Pid }

// Ready waits for the daemon's answer and returns the mount that came with it. An error is the daemon's own where it gave
// one. The daemon may still live after an error: call Kill.
func (d *Daemon) Ready(ctx context.Context, timeout time.Duration) (rundir.Reply, *os.File, error) {
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = unix.Shutdown(int(d.sock.Fd()), unix.SHUT_RDWR) // wakes the receiver
	})
	defer func() {
		if !stop() {
			<-woken
		}
	}()
	for deadline := time.Now().Add(timeout); ; {
		left := unix.NsecToTimeval(max(time.Until(deadline), time.Millisecond).Nanoseconds())
		if err := unix.SetsockoptTimeval(int(d.sock.Fd()), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &left); err != nil {
			return rundir.Reply{}, nil, fmt.Errorf("wait for %s: %w", Program, err)
		}
		reply, mount, err := rundir.ReceiveReply(d.sock)
		switch {
		case errors.Is(err, unix.EINTR): // a socket with a timeout is never restarted after a signal: signal(7)
			continue
		case errors.Is(err, unix.EAGAIN):
			return reply, nil, fmt.Errorf("%s did not answer within %v", Program, timeout)
		case err != nil && ctx.Err() != nil:
			return reply, nil, fmt.Errorf("wait for %s: %w", Program, context.Cause(ctx))
		}
		return reply, mount, err
	}
}

// Attached tells the daemon that its mount has its place. From then on it ends when the view does, and by itself.
func (d *Daemon) Attached() error {
	if err := rundir.SendAttached(d.sock); err != nil {
		return fmt.Errorf("tell %s that the view is attached: %w", Program, err)
	}
	return d.sock.Close()
}

// Kill ends the daemon with SIGKILL and returns when it is gone. It is for a view that nobody has seen.
func (d *Daemon) Kill() {
	// An error means that it is dead already.
	_ = d.process.Kill()
	_, _ = d.process.Wait()
	d.sock.Close()
}

// Wait returns when the daemon has ended.
func (d *Daemon) Wait() error {
	state, err := d.process.Wait()
	if err != nil {
		return err
	}
	if !state.Success() {
		return fmt.Errorf("%s: %s", Program, state)
	}
	return nil
}
