package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/daemon"
)

// site is a state directory with a store, and its configuration.
type site struct {
	t             *testing.T
	state, config string
	store         *cas.Local
	runs          *rundir.Runs
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, state: filepath.Join(t.TempDir(), "state")}
	s.config = filepath.Join(t.TempDir(), "config.toml")
	must(t, os.WriteFile(s.config, []byte("state = \""+s.state+"\"\n"), 0o600))
	var err error
	s.runs, err = rundir.OpenRuns(s.state)
	must(t, err)
	s.store, err = cas.OpenLocal(filepath.Join(s.state, "store"), cas.SHA256)
	must(t, err)
	t.Cleanup(func() { s.store.Close() })
	return s
}

// inputs stores a tree with the files, whose content is their path.
func (s *site) inputs(paths ...string) cas.Digest {
	s.t.Helper()
	b := tree.NewBuilder(s.store)
	for _, p := range paths {
		d, err := s.store.PutBytes([]byte(p))
		must(s.t, err)
		must(s.t, b.Add(p, tree.Entry{Kind: tree.File, Digest: d, Size: int64(len(p)), Mode: 0o644}))
	}
	root, _, err := b.Finish()
	must(s.t, err)
	return root
}

// create makes a run as the hook does. edit may be nil.
func (s *site) create(name string, edit func(*rundir.Spec)) (*rundir.Dir, *rundir.Lock) {
	s.t.Helper()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	must(s.t, err)
	spec := rundir.Spec{
		Nonce: rundir.NewNonce(), Run: rundir.RunKey(name), Container: name, Target: "/workspace",
		Started: time.Now(), BootID: strings.TrimSpace(string(boot)),
		Store: s.store.Dir(), Digest: "sha256", Verify: "insert", Driver: "auto",
		SpecialFiles: "skip", Timeout: time.Minute, LogLevel: "debug",
	}
	if edit != nil {
		edit(&spec)
	}
	run, lock, err := s.runs.Create(spec)
	must(s.t, err)
	s.t.Cleanup(func() { lock.Close() })
	return run, lock
}

// served is a run with a live daemon.
type served struct {
	t      *testing.T
	run    *rundir.Dir
	daemon *daemon.Daemon
	mount  *os.File
}

// start starts the daemon of a run that create has made.
func start(t *testing.T, run *rundir.Dir, lock *rundir.Lock) *daemon.Daemon {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
	d, err := daemon.StartFSD(self(t), run, lock)
	must(t, err)
	t.Cleanup(func() {
		d.Kill()
		nothingLeft(t, run, d.PID())
	})
	return d
}

func (s *site) serve(name string, edit func(*rundir.Spec)) *served {
	s.t.Helper()
	run, lock := s.create(name, edit)
	v := &served{t: s.t, run: run, daemon: start(s.t, run, lock)}
	var err error
	_, v.mount, err = v.daemon.Ready(s.t.Context(), 20*time.Second)
	must(s.t, err)
	must(s.t, lock.Close())
	s.t.Cleanup(func() { v.mount.Close() })
	return v
}

// process is a job on the view, in a mount namespace of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

// job starts a script on the view and tells the daemon that the view is attached.
func (v *served) job(script string) *process {
	v.t.Helper()
	cmd := exec.Command(self(v.t), "do-attach", v.t.TempDir(), script)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "LC_ALL=C")
	cmd.ExtraFiles = []*os.File{v.mount}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Setpgid: true}
	p := &process{t: v.t, cmd: cmd}
	var err error
	p.stdin, err = cmd.StdinPipe()
	must(v.t, err)
	stdout, err := cmd.StdoutPipe()
	must(v.t, err)
	p.stdout = bufio.NewReader(stdout)
	must(v.t, cmd.Start())
	v.t.Cleanup(func() { p.kill() })
	must(v.t, v.mount.Close())
	must(v.t, v.daemon.Attached())
	return p
}

// says waits for a line.
func (p *process) says(want string) {
	p.t.Helper()
	if line, err := p.stdout.ReadString('\n'); line != want+"\n" {
		p.t.Fatalf("the job says %q, %v; want %q", line, err, want)
	}
}

// goOn ends the input that a job reads.
func (p *process) goOn() {
	p.t.Helper()
	must(p.t, p.stdin.Close())
}

// end waits for the job, whose input has ended.
func (p *process) end() {
	p.t.Helper()
	must(p.t, p.cmd.Wait())
}

// kill ends the job with its children. It is a group of its own until it has been waited for.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
	_ = p.cmd.Wait()
}

// soon is in what time a daemon has to end. The race detector sleeps for one second of it before a process exits.
const soon = 3 * time.Second

// promptly requires that the daemon ends, and well.
func (v *served) promptly() {
	v.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- v.daemon.Wait() }()
	select {
	case err := <-ended:
		must(v.t, err)
	case <-time.After(soon):
		v.t.Fatal("the daemon does not end")
	}
}

func (v *served) result(want result.Status) *result.Result {
	v.t.Helper()
	r, err := v.run.Result()
	must(v.t, err)
	if r.Status != want {
		v.t.Errorf("status %s, errors %q; want %s", r.Status, r.Errors, want)
	}
	return r
}

func wantError(t *testing.T, r *result.Result, parts ...string) {
	t.Helper()
	for _, e := range r.Errors {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(e, p) }) {
			return
		}
	}
	t.Errorf("errors %q, want one with %q", r.Errors, parts)
}

func outputs(r *result.Result) string {
	var all []string
	for _, f := range r.HashedFiles {
		all = append(all, f.Path)
	}
	return strings.Join(all, " ")
}

// cli runs casview-fsd and returns what it prints and its exit code.
func cli(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(self(t))
	cmd.Args = append([]string{daemon.Program}, args...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// nothingLeft requires that the daemon is gone and its view mounted nowhere. A mount may take a moment to go after the last
// process of its namespace.
func nothingLeft(t *testing.T, run *rundir.Dir, pid int) {
	t.Helper()
	if !gone(pid) {
		t.Errorf("process %d is left", pid)
	}
	source := []byte(" " + run.Spec().MountSource() + " ")
	tables, err := filepath.Glob("/proc/[0-9]*/mountinfo")
	must(t, err)
	for _, table := range tables {
		if b, err := os.ReadFile(table); err == nil && bytes.Contains(b, source) {
			t.Errorf("%s is left in %s", source, table)
		}
	}
	if names, err := os.ReadDir(run.StagingPath()); err == nil {
		for _, n := range names {
			if n.Name() != "upper" && n.Name() != "work" {
				t.Errorf("%s is left in the staging directory", n.Name())
			}
		}
	}
}

// gone tells whether a process has ended. Nobody may have waited for it yet.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(state, "Z")
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
