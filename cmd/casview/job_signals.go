package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalRelay hands signals on to the engine's command, whose container is the one to end. The result is still waited for;
// who presses Ctrl-C again, or when there is no command any more, does not want to wait.
type signalRelay struct {
	signals chan os.Signal
	done    chan struct{}
	giveUp  context.CancelFunc

	mu      sync.Mutex
	process *os.Process
}

// relaySignals begins with no command. The context ends when the user gives up.
func relaySignals(ctx context.Context) (context.Context, *signalRelay) {
	ctx, giveUp := context.WithCancel(ctx)
	r := &signalRelay{signals: make(chan os.Signal, 8), done: make(chan struct{}), giveUp: giveUp}
	signal.Notify(r.signals, syscall.SIGINT, syscall.SIGTERM)
	go r.relay()
	return ctx, r
}

// to says which command gets the signals from now on.
func (r *signalRelay) to(p *os.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = p
}

func (r *signalRelay) stop() {
	signal.Stop(r.signals)
	close(r.done)
	r.giveUp()
}

func (r *signalRelay) relay() {
	for interrupts := 0; ; {
		select {
		case <-r.done:
			return
		case s := <-r.signals:
			if s == syscall.SIGINT {
				interrupts++
			}
			if !r.handOn(s) || interrupts > 1 {
				r.giveUp()
			}
		}
	}
}

// handOn is false when there is no command. Ctrl-C on a terminal reaches the whole foreground process group, the engine
// included: handing it on would make it two, which many jobs take for "stop at once".
func (r *signalRelay) handOn(s os.Signal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil {
		return false
	}
	if s != syscall.SIGINT || !inForeground() {
		_ = r.process.Signal(s) // it may have ended
	}
	return true
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
