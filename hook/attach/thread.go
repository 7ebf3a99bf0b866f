package attach

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// thread is an operating system thread inside a container's mount namespace. It ends with its namespace: the goroutine
// never unlocks it, so Go can't reuse it for anything else.
//
// A program that uses it must keep its first thread busy (runtime.LockOSThread in main): Go never ends that one.
type thread struct {
	calls chan func()
	// proc is the thread's own directory in /proc, opened outside: what is mounted on the container's /proc is not trusted.
	proc *os.File
}

// enter starts a thread in the mount namespace of a process.
func enter(pid int) (*thread, error) {
	ns, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/mnt")
	if err != nil {
		return nil, fmt.Errorf("mount namespace of the container: %w", err)
	}
	defer ns.Close()
	if err := notOurs(ns); err != nil {
		return nil, err
	}
	t := &thread{calls: make(chan func())}
	joined := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := t.join(ns)
		joined <- err
		if err != nil {
			return
		}
		for call := range t.calls {
			call()
		}
	}()
	if err := <-joined; err != nil {
		return nil, err
	}
	return t, nil
}

// notOurs refuses a container that shares this process's mount namespace: the view would be the host's.
func notOurs(ns *os.File) error {
	var theirs, ours unix.Stat_t
	if err := unix.Fstat(int(ns.Fd()), &theirs); err != nil {
		return fmt.Errorf("mount namespace of the container: %w", err)
	}
	if err := unix.Stat("/proc/self/ns/mnt", &ours); err != nil {
		return fmt.Errorf("own mount namespace: %w", err)
	}
	if theirs.Ino == ours.Ino && theirs.Dev == ours.Dev {
		return errors.New("the container has no mount namespace of its own: the view would appear on the host")
	}
	return nil
}

func (t *thread) join(ns *os.File) (err error) {
	t.proc, err = os.OpenFile("/proc/thread-self", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	// setns refuses a thread that shares root, working directory and umask with others.
	if err = unix.Unshare(unix.CLONE_FS); err != nil {
		err = fmt.Errorf("unshare(CLONE_FS): %w", err)
	} else if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS); err != nil {
		err = fmt.Errorf("enter the container's mount namespace: setns: %w", err)
	}
	if err != nil {
		t.proc.Close()
		return err
	}
	unix.Umask(0)
	return nil
}

// do runs a call on the thread and returns its error.
func (t *thread) do(call func() error) error {
	done := make(chan error)
	t.calls <- func() { done <- call() }
	return <-done
}

// path is where an open file is, seen from the root of the namespace.
func (t *thread) path(f *os.File) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(t.proc.Fd()), "fd/"+strconv.Itoa(int(f.Fd())), buf)
	if err != nil {
		return "", fmt.Errorf("path of an open directory: %w", err)
	}
	return string(buf[:n]), nil
}

// end gives the thread up. No call may follow.
func (t *thread) end() {
	close(t.calls)
	t.proc.Close()
}
