package daemon

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// The test program plays casview-fsd when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && (os.Args[1] == "serve" || os.Args[1] == "collect") {
		os.Exit(fake(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fake behaves as the file `behave` in the run's directory says.
func fake(args []string) int {
	run := args[len(args)-1]
	how, err := os.ReadFile(filepath.Join(run, "behave"))
	if err != nil {
		return 9
	}
	if err := report(run, args); err != nil {
		return 8
	}
	sock := os.NewFile(rundir.SocketFD, "starter")
	switch string(how) {
	case "answer":
		mount, err := os.Open(run)
		if err != nil || rundir.SendReply(sock, rundir.Reply{View: rundir.View{Driver: "overlay"}}, mount) != nil {
			return 7
		}
		if rundir.ReceiveAttached(sock) != nil {
			return 6
		}
	case "refuse":
		_ = rundir.SendReply(sock, rundir.Reply{Error: "no such root digest"}, nil)
	case "hang":
		time.Sleep(time.Minute)
	case "partial":
		return 3
	case "failed":
		return 4
	case "fail":
		os.Stderr.WriteString("casview-fsd: collect: disk full\n")
		return 1
	}
	return 0
}

// report tells the test how this process was started.
func report(run string, args []string) error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	lines := []string{"args " + strings.Join(args[:len(args)-1], " "), "env " + strings.Join(os.Environ(), " ")}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.Contains(to, "anon_inode") && !strings.HasSuffix(to, "/fd") {
			lines = append(lines, e.Name()+" "+to)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	sid, err := unix.Getsid(0)
	if err != nil {
		return err
	}
	lines = append(lines, "dir "+dir, "leader "+strconv.FormatBool(sid == os.Getpid()))
	return os.WriteFile(filepath.Join(run, "report"), []byte(strings.Join(lines, "\n")), 0o600)
}

func newRun(t *testing.T, behave string) (*rundir.Dir, *rundir.Lock) {
	t.Helper()
	runs, err := rundir.OpenRuns(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run, lock, err := runs.Create(rundir.Spec{Nonce: rundir.NewNonce(), Run: "run", Container: "c"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
	if err := os.WriteFile(filepath.Join(run.Path(), "behave"), []byte(behave), 0o600); err != nil {
		t.Fatal(err)
	}
	return run, lock
}

func start(t *testing.T, run *rundir.Dir, lock *rundir.Lock) *Daemon {
	t.Helper()
	d, err := StartFSD(self(t), run, lock)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHandshake(t *testing.T) {
	run, lock := newRun(t, "answer")
	d := start(t, run, lock)
	reply, mount, err := d.Ready(t.Context(), 10*time.Second)
	if err != nil || reply.View.Driver != "overlay" {
		t.Fatalf("%+v, %v", reply, err)
	}
	defer mount.Close()
	var got, want unix.Stat_t
	if err := errors.Join(unix.Fstat(int(mount.Fd()), &got), unix.Stat(run.Path(), &want)); err != nil || got.Ino != want.Ino {
		t.Errorf("the descriptor is another file: %v", err)
	}
	if err := d.Attached(); err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(); err != nil {
		t.Error(err)
	}
}

// A descriptor that this process inherited without close-on-exec must not reach the daemon, which outlives it: whoever
// waits for its end would hang.
func TestDaemonInheritsNothing(t *testing.T) {
	leak, err := os.CreateTemp(t.TempDir(), "leak")
	if err != nil {
		t.Fatal(err)
	}
	defer leak.Close()
	if _, err := unix.FcntlInt(leak.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	run, lock := newRun(t, "refuse")
	d := start(t, run, lock)
	defer d.Kill()
	_, _, err = d.Ready(t.Context(), 10*time.Second)
	if err == nil || err.Error() != "no such root digest" {
		t.Errorf("the daemon's own error: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(run.Path(), "report"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	for _, want := range []string{"args serve", "0 /dev/null", "1 /dev/null", "2 /dev/null", "4 " + run.Path() + "/lock", "dir /", "leader true"} {
		// The lock was opened before the run's directory had its name.
		if !slices.ContainsFunc(lines, func(l string) bool { return l == want || (strings.HasPrefix(want, "4 ") && strings.HasPrefix(l, "4 ")) }) {
			t.Errorf("no %q in %q", want, lines)
		}
	}
	for _, l := range lines {
		if strings.Contains(l, "leak") || (strings.HasPrefix(l, "env ") && strings.Count(l, "=") != 1) {
			t.Errorf("inherited %q", l)
		}
	}
}

func TestDaemonThatDoesNotAnswer(t *testing.T) {
	cases := []struct {
		behave, want string
		ctx          func(context.Context) (context.Context, context.CancelFunc)
	}{
		{"hang", "casview-fsd did not answer within 200ms", context.WithCancel},
		{"die", "casview-fsd ended before it answered", context.WithCancel},
		{"hang", "wait for casview-fsd: context deadline exceeded", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		}},
	}
	for _, c := range cases {
		t.Run(c.want, func(t *testing.T) {
			run, lock := newRun(t, c.behave)
			d := start(t, run, lock)
			ctx, cancel := c.ctx(t.Context())
			defer cancel()
			bound := 200 * time.Millisecond
			if c.behave == "die" {
				bound = 10 * time.Second
			}
			_, _, err := d.Ready(ctx, bound)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %q", err, c.want)
			}
			d.Kill()
			if err := lock.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := run.TryLock()
			if err != nil {
				t.Fatalf("the daemon still holds the lock: %v", err)
			}
			again.Close()
		})
	}
}

func TestMissingProgram(t *testing.T) {
	run, lock := newRun(t, "answer")
	if _, err := StartFSD("/none/casview-fsd", run, lock); err == nil || !strings.Contains(err.Error(), "start casview-fsd: ") || !strings.Contains(err.Error(), "/none/casview-fsd: no such file") {
		t.Errorf("error %v", err)
	}
}

func TestFindOnlyTheRunsOwnDaemon(t *testing.T) {
	run, lock := newRun(t, "hang")
	if r, err := Find(run); r != nil || err != nil {
		t.Errorf("before there is a view: %v, %v", r, err)
	}
	// A process that only has the number.
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	for _, pid := range []int{other.Process.Pid, 1 << 22, 0, -1} {
		if err := run.WriteView(rundir.View{PID: pid}); err != nil {
			t.Fatal(err)
		}
		if r, err := Find(run); r != nil || err != nil {
			t.Errorf("pid %d: %v, %v", pid, r, err)
		}
	}
	d := start(t, run, lock)
	if err := run.WriteView(rundir.View{PID: d.PID()}); err != nil {
		t.Fatal(err)
	}
	r, err := Find(run)
	if r == nil || err != nil {
		t.Fatal(r, err)
	}
	defer r.Close()
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait for a live daemon: %v", err)
	}
	if err := r.Terminate(); err != nil {
		t.Error(err)
	}
	if err := r.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	d.Kill()
	if r, err := Find(run); r != nil || err != nil {
		t.Errorf("after its end: %v, %v", r, err)
	}
}

func TestCollect(t *testing.T) {
	run, _ := newRun(t, "")
	if err := Collect(t.Context(), self(t), run, true); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(run.Path(), "report")); err != nil || !strings.HasPrefix(string(b), "args collect --held\n") {
		t.Errorf("%s, %v", b, err)
	}
	for _, status := range []string{"partial", "failed"} {
		run, _ = newRun(t, status)
		if err := Collect(t.Context(), self(t), run, false); err != nil {
			t.Errorf("a %s result: %v", status, err)
		}
	}
	run, _ = newRun(t, "fail")
	if err := Collect(t.Context(), self(t), run, false); err == nil || err.Error() != "casview-fsd collect: exit status 1: collect: disk full" {
		t.Errorf("error %v", err)
	}
	run, _ = newRun(t, "hang")
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := Collect(short, self(t), run, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	// It goes on without us; the test must not.
	endProcessesOf(t, run)
}

// endProcessesOf kills the processes whose last argument is this run.
func endProcessesOf(t *testing.T, run *rundir.Dir) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		b, err := os.ReadFile(line)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(line)))
		if err == nil && strings.HasSuffix(string(b), "\x00"+run.Path()+"\x00") {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	}
}
