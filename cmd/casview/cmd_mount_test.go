package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/runstate"
)

// programs is a directory for casview and casview-fsd, which TestMain removes: casview starts the daemon beside it.
var (
	programs string
	build    = sync.OnceValue(func() error {
		out, err := exec.Command("go", "build", "-o", programs, ".", "../casview-fsd").CombinedOutput()
		if err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
		return nil
	})
)

func program(t *testing.T) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programs, "casview")
}

// mounted is a `casview mount` that runs.
type mounted struct {
	t        *testing.T
	cmd      *exec.Cmd
	dir      string
	out, err syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func needMounts(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
}

func (s site) mount(root string, options ...string) *mounted {
	s.t.Helper()
	needMounts(s.t)
	m := &mounted{t: s.t, dir: s.t.TempDir()}
	m.cmd = exec.Command(program(s.t), append([]string{"--config", s.config, "mount", root, m.dir}, options...)...)
	m.cmd.Stdout, m.cmd.Stderr = &m.out, &m.err
	if err := m.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = unix.Unmount(m.dir, unix.MNT_DETACH)
		_ = m.cmd.Process.Kill()
	})
	m.saysOnStderr("casview: mounted " + m.dir + " as run mount-")
	return m
}

func (m *mounted) saysOnStderr(want string) {
	m.t.Helper()
	for range 1000 {
		if strings.Contains(m.err.String(), want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	m.t.Fatalf("stderr %q, want %q", m.err.String(), want)
}

func (m *mounted) signal(s os.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// ends checks the exit code, that the view is gone, and returns the result from stdout.
func (m *mounted) ends(code int) *result.Result {
	m.t.Helper()
	_ = m.cmd.Wait()
	if got := m.cmd.ProcessState.ExitCode(); got != code {
		m.t.Errorf("exit %d, want %d\n%s", got, code, m.err.String())
	}
	if b, err := os.ReadFile("/proc/self/mountinfo"); err != nil || bytes.Contains(b, []byte(m.dir)) {
		m.t.Errorf("still mounted, %v", err)
	}
	r, err := result.Decode(strings.NewReader(m.out.String()))
	if err != nil {
		m.t.Fatalf("stdout: %v\n%s", err, m.err.String())
	}
	return r
}

func TestMountReadOnly(t *testing.T) {
	s := newSite(t)
	m := s.mount(s.ingest(sources(t)))
	if b, err := os.ReadFile(filepath.Join(m.dir, "src", "link.c")); err != nil || string(b) != "int main;\n" {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "undeclared")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("undeclared path: %v", err)
	}
	if err := os.WriteFile(filepath.Join(m.dir, "new"), nil, 0o644); !errors.Is(err, unix.EROFS) {
		t.Errorf("write: %v", err)
	}
	if err := unix.Unmount(m.dir, 0); err != nil {
		t.Fatal(err)
	}
	r := m.ends(exitOK)
	if r.StagingDriver != "none" || len(r.HashedFiles) != 0 || r.Target != m.dir || len(r.Inputs) != 2 {
		t.Errorf("got %+v", r)
	}
	if got := s.ok("result", r.Run); got != m.out.String() {
		t.Errorf("casview result prints %s", got)
	}
}

func TestMountWithStaging(t *testing.T) {
	s, staging := newSite(t), filepath.Join(t.TempDir(), "staging")
	m := s.mount(s.ingest(sources(t)), "--staging", staging, "--driver", "overlay")
	write(t, filepath.Join(m.dir, "out", "a.o"), "object")
	if err := os.Remove(filepath.Join(m.dir, "src", "main.c")); err != nil {
		t.Fatal(err)
	}
	runs := strings.Fields(s.ok("ps"))
	if !strings.Contains(s.ok("staged", runs[7]), filepath.Join(staging, "upper", "out", "a.o")) {
		t.Error("casview staged does not show the file")
	}
	m.signal(os.Interrupt)
	r := m.ends(exitOK)
	if _, ok := r.HashedFiles.Find("out/a.o"); !ok || len(r.DeletedInputs) != 1 || r.StagingDriver != "overlay" {
		t.Errorf("got %+v", r)
	}
	if got := listing(t, staging); got != "" {
		t.Errorf("left in the staging directory: %s", got)
	}
	dir := filepath.Join(t.TempDir(), "out")
	s.ok("materialize", r.Run, dir)
	if b, err := os.ReadFile(filepath.Join(dir, "out", "a.o")); err != nil || string(b) != "object" {
		t.Errorf("got %q, %v", b, err)
	}
}

// Ctrl-C with somebody inside detaches; the second one does not wait for them.
func TestMountThatIsBusy(t *testing.T) {
	s := newSite(t)
	m := s.mount(s.ingest(sources(t)), "--staging", t.TempDir())
	write(t, filepath.Join(m.dir, "a.o"), "object")
	inside := exec.Command("sleep", "60")
	inside.Dir = m.dir
	if err := inside.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = inside.Process.Kill()
		_ = inside.Wait()
	}()
	m.signal(os.Interrupt)
	m.saysOnStderr("is busy: it is detached")
	m.signal(syscall.SIGTERM)
	r := m.ends(exitPartial)
	if _, ok := r.HashedFiles.Find("a.o"); !ok || !strings.Contains(m.err.String(), "the result is partial: ") {
		t.Errorf("got %+v\n%s", r, m.err.String())
	}
}

// A daemon that dies leaves a dead mount and no result; both are put right.
func TestMountWhoseDaemonDies(t *testing.T) {
	s := newSite(t)
	m := s.mount(s.ingest(sources(t)), "--staging", t.TempDir())
	write(t, filepath.Join(m.dir, "a.o"), "object")
	killDaemon(t, s)
	r := m.ends(resultCode(m))
	if _, ok := r.HashedFiles.Find("a.o"); !ok {
		t.Errorf("got %+v", r)
	}
}

func resultCode(m *mounted) int {
	_ = m.cmd.Wait()
	status, _ := runstate.Status(strings.NewReader(m.out.String()))
	return map[result.Status]int{result.Complete: exitOK, result.Partial: exitPartial}[status]
}

func killDaemon(t *testing.T, s site) {
	t.Helper()
	_, runs, err := (&app{configPath: s.config}).openRuns()
	if err != nil {
		t.Fatal(err)
	}
	all, err := runs.List()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d runs, %v", len(all), err)
	}
	v, err := all[0].View()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(v.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestMountOnNoName(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	newSite(t).casview("mount", digest, "").wantExit(t, exitUsage, "DIR is empty: is a shell variable unset?")
}

func TestMountRefuses(t *testing.T) {
	needMounts(t)
	s, dir := newSite(t), t.TempDir()
	root := s.ingest(sources(t))
	taken := t.TempDir()
	write(t, filepath.Join(taken, "upper", "precious"), "mine")
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	cases := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"sha256:" + strings.Repeat("0", 64), dir}, exitFailure, "casview ingest"},
		{[]string{root, "/nowhere"}, exitFailure, "/nowhere"},
		{[]string{root, file}, exitFailure, "not a directory"},
		{[]string{root, dir, "--staging", taken}, exitFailure, "holds upper already"},
		{[]string{root, dir, "--driver", "fuse"}, exitUsage, "--driver needs --staging"},
		{[]string{root, dir, "--driver", "ovl", "--staging", dir}, exitUsage, "want auto, overlay or fuse"},
		{[]string{"xyz", dir}, exitUsage, `digest "xyz"`},
		{[]string{root}, exitUsage, "1 argument"},
	}
	for _, c := range cases {
		s.casview(append([]string{"mount"}, c.args...)...).wantExit(t, c.code, c.want)
	}
	if got := s.ok("ps", "--json"); got != "[]\n" {
		t.Errorf("a refused mount left a run: %s", got)
	}
	if _, err := os.Stat(filepath.Join(taken, "upper", "precious")); err != nil {
		t.Error(err)
	}
	// No daemon lies beside the test binary.
	s.casview("mount", root, dir, "--staging", filepath.Join(dir, "staging")).wantExit(t, exitFailure, "casview-fsd")
	if got := s.ok("ps", "--json"); got != "[]\n" {
		t.Errorf("a failed mount left a run: %s", got)
	}
}

func TestMountWithoutPrivileges(t *testing.T) {
	needMounts(t)
	s := newSite(t)
	root := s.ingest(sources(t))
	for _, dir := range []string{filepath.Dir(filepath.Dir(s.config)), filepath.Dir(s.config), s.state} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "-R", "65534:65534", s.state).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(program(t), "--config", s.config, "mount", root, t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitFailure || !strings.Contains(string(out), "unshare -rm") {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), out)
	}
}

func TestMountInAUserNamespace(t *testing.T) {
	needMounts(t)
	s, dir, staging := newSite(t), t.TempDir(), t.TempDir()
	const script = `
"$1" --config "$2" mount "$3" "$4" --staging "$5" 2>&1 &
for i in $(seq 200); do [ -e "$4/src/main.c" ] && break; sleep 0.05; done
cp "$4/src/main.c" "$4/copy.c" && umount "$4"
wait $!`
	out, err := exec.Command("unshare", "-rm", "sh", "-c", script, "sh", program(t), s.config, s.ingest(sources(t)), dir, staging).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"copy.c": {"type":"file"`) {
		t.Errorf("%v: %s", err, out)
	}
}
