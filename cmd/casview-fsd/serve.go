package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd"
	"github.com/casview/casview/fsd/rundir"
)

func serve(path string) error {
	sock, lock, err := inherited()
	if err != nil {
		return err
	}
	// The lock is held as long as this process lives.
	defer lock.Close()

	// From the moment that the view is attached, being told to stop means to collect. Before, whoever wants this process gone
	// closes the socket or kills it.
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()

	run, log, err := openRun(path)
	if err != nil {
		return refuse(sock, err)
	}
	d, err := fsd.Start(run, log)
	if err != nil {
		log.Error("no view", "cause", err)
		return refuse(sock, err)
	}
	if err := d.Handover(sock); err != nil {
		log.Error("the view was not attached", "cause", err)
		return errors.Join(err, d.GiveUp(stop))
	}
	sock.Close()
	if err := fsd.Confine(run.Spec(), run, log); err != nil {
		log.Warn("the daemon runs with more rights than it needs", "cause", err)
	}
	spareSlots()
	if err := d.Finish(stop); err != nil {
		log.Error("no result", "cause", err)
		return err
	}
	return nil
}

// spareSlots lets the Go runtime run two more goroutines at once than there are processors. go-fuse has one reader more than
// those, and each that waits in read(2) may still hold one of the runtime's slots: then the one that gets a request sleeps
// until the runtime's monitor has freed a slot, which cost one futex(2) call for each request. Measured on two processors,
// 20,000 requests of one process after another: a fifth of the futex calls, and 10 % less time.
func spareSlots() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2) }

// inherited are the descriptors that the starter passes on. What is not a socket there was opened by this process itself,
// or by a shell.
func inherited() (sock, lock *os.File, err error) {
	kind, err := unix.GetsockoptInt(rundir.SocketFD, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return nil, nil, errors.New("serve is started by casview-hook and casview mount, which pass it a socket and the run's lock")
	}
	syscall.CloseOnExec(rundir.SocketFD)
	syscall.CloseOnExec(rundir.LockFD)
	return os.NewFile(rundir.SocketFD, "starter"), os.NewFile(rundir.LockFD, "lock"), nil
}

// refuse tells the starter why there is no view.
func refuse(sock *os.File, cause error) error {
	return errors.Join(cause, rundir.SendReply(sock, rundir.Reply{Error: cause.Error()}, nil))
}
