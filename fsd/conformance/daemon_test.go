package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd"
	"github.com/casview/casview/fsd/rundir"
)

// serve is `casview-fsd serve`, which a package of this room can't start.
func serve(args []string) error {
	go endWithLifeline()
	sock, lock := os.NewFile(rundir.SocketFD, "starter"), os.NewFile(rundir.LockFD, "lock")
	defer lock.Close()
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	run, log, err := openRun(args[0])
	if err != nil {
		return err
	}
	restore, err := startWithFewFiles()
	if err != nil {
		return err
	}
	d, err := fsd.Start(run, log)
	restore()
	if err != nil {
		return rundir.SendReply(sock, rundir.Reply{Error: err.Error()}, nil)
	}
	if err := d.Handover(sock); err != nil {
		return errors.Join(err, d.GiveUp(stop))
	}
	sock.Close()
	if err := fsd.Confine(run.Spec(), run, log); err != nil {
		log.Warn("the daemon runs with more rights than it needs", "cause", err)
	}
	return d.Finish(stop)
}

// fewFilesVariable names the environment variable that, set, makes a daemon keep only a handful of descriptors of
// staged files that nobody uses: see options.fewFiles.
const fewFilesVariable = "CASVIEW_TEST_FEW_FILES"

// startWithFewFiles lowers the number of files that the daemon may have open, by which it decides when it starts how
// many it keeps, until restore is called.
func startWithFewFiles() (restore func(), err error) {
	if os.Getenv(fewFilesVariable) == "" {
		return func() {}, nil
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		return nil, err
	}
	low := unix.Rlimit{Cur: 28, Max: was.Max}
	return func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &was) }, unix.Setrlimit(unix.RLIMIT_NOFILE, &low)
}

func endWithLifeline() {
	_, _ = io.ReadAll(os.NewFile(lifelineFD, "lifeline"))
	os.Exit(1)
}

func openRun(path string) (*rundir.Dir, *slog.Logger, error) {
	run, err := rundir.OpenPath(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(run.LogPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return run, slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})), nil
}

// daemon is a process that serves a run.
type daemon struct {
	process *os.Process
	stderr  string // a file
	sock    *os.File
	ended   chan struct{} // closed when it has ended, with state and err
	state   *os.ProcessState
	err     error
}

// startDaemon starts the daemon of a run. The lock is the daemon's, too, from then on.
func startDaemon(t *testing.T, run *rundir.Dir, lock *rundir.Lock, o options) *daemon {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	theirs := os.NewFile(uintptr(pair[1]), "starter")
	defer theirs.Close()
	d := &daemon{stderr: filepath.Join(t.TempDir(), "stderr"), sock: os.NewFile(uintptr(pair[0]), "daemon"), ended: make(chan struct{})}
	stderr, err := os.Create(d.stderr)
	must(t, err)
	defer stderr.Close()
	line := lifeline(t)
	defer line.Close()
	// Without the first of the race detector's options it sleeps for a second before a process exits.
	env := append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if o.gomaxprocs > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(o.gomaxprocs))
	}
	if o.fewFiles {
		env = append(env, fewFilesVariable+"=1")
	}
	d.process, err = os.StartProcess("/proc/self/exe", []string{"casview-fsd", "do-serve", run.Path()}, &os.ProcAttr{
		Dir: "/", Env: env,
		Files: []*os.File{nil, nil, stderr, rundir.SocketFD: theirs, rundir.LockFD: lock.File(), lifelineFD: line},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	must(t, err)
	go func() {
		d.state, d.err = d.process.Wait()
		close(d.ended)
	}()
	return d
}

// attach puts the daemon's mount onto a directory.
func (d *daemon) attach(dir string) error {
	defer d.sock.Close()
	timeout := unix.NsecToTimeval((30 * time.Second).Nanoseconds())
	if err := unix.SetsockoptTimeval(int(d.sock.Fd()), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return err
	}
	_, mount, err := rundir.ReceiveReply(d.sock)
	for errors.Is(err, unix.EINTR) { // with a timeout set it is never restarted: signal(7)
		_, mount, err = rundir.ReceiveReply(d.sock)
	}
	if err != nil {
		return err
	}
	defer mount.Close()
	if err := unix.MoveMount(int(mount.Fd()), "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("move_mount %s: %w", dir, err)
	}
	return rundir.SendAttached(d.sock)
}

// wait returns when the daemon has ended. One that does not is told to say what it is at.
func (d *daemon) wait(within time.Duration) error {
	var late error
	select {
	case <-d.ended:
	case <-time.After(within):
		late = fmt.Errorf("it did not end within %v", within)
		_ = d.process.Signal(syscall.SIGQUIT)
		<-d.ended
	}
	said, err := os.ReadFile(d.stderr)
	if err := errors.Join(late, d.err, err); err != nil {
		return fmt.Errorf("the daemon: %w, on stderr:\n%s", err, said)
	}
	if len(said) > 0 || !d.state.Success() {
		return fmt.Errorf("the daemon: %v, on stderr:\n%s", d.state, said)
	}
	return nil
}
