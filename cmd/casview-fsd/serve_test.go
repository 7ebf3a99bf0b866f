package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/daemon"
)

func TestServeUntilTheViewEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in", "dir/unread")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	job := v.job("cat in; echo; echo out >out; rm dir/unread; read -r line || :")
	job.says("in")
	if _, err := v.run.TryLock(); err == nil {
		t.Error("the run of a live daemon is not locked")
	}
	job.goOn()
	job.end()
	v.promptly()
	r := v.result(result.Complete)
	if got := outputs(r); got != "out" {
		t.Errorf("outputs %q", got)
	}
	if fmt.Sprint(r.Inputs, r.DeletedInputs) != "[in] [dir/unread]" {
		t.Errorf("inputs %q, deleted %q", r.Inputs, r.DeletedInputs)
	}
	if r.StagingDriver != "overlay" || r.StagingReason == "" || r.Stats.ReadyMS <= 0 || r.Stats.FuseRequests["read"] == 0 {
		t.Errorf("driver %q (%q), %+v", r.StagingDriver, r.StagingReason, r.Stats)
	}
	must(t, s.store.Verify(cas.Sum(cas.SHA256, []byte("out\n"))))
	if _, err := os.Lstat(v.run.StagingPath()); err == nil {
		t.Error("the staging directory of a complete result is still there")
	}
}

func TestRootIsMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := cas.Sum(cas.SHA256, []byte("no such tree"))
	run, lock := s.create("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	d := start(t, run, lock)
	_, mount, err := d.Ready(t.Context(), 20*time.Second)
	if mount != nil || err == nil || !strings.Contains(err.Error(), root.String()) || !strings.Contains(err.Error(), "not in the store") {
		t.Errorf("mount %v, error %v", mount, err)
	}
	if err := d.Wait(); err == nil || err.Error() != "casview-fsd: exit status 1" {
		t.Errorf("exit: %v", err)
	}
}

// What a starter is told fits into its buffer.
func TestLongError(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run, lock := s.create("run", func(spec *rundir.Spec) { spec.Digest = strings.Repeat("\n", 60000) })
	d := start(t, run, lock)
	if _, _, err := d.Ready(t.Context(), 20*time.Second); err == nil || !strings.Contains(err.Error(), "algorithm") {
		t.Errorf("error %.200v", err)
	}
}

// A hook may be killed at any time. Before it has said that the view has its place, no job has seen it.
func TestStarterDies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	run, lock := s.create("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	must(t, lock.Close())
	cmd := exec.Command(self(t), "do-starter", run.Path())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var pid int
	if _, err := fmt.Fscan(stdout, &pid); err != nil {
		_ = cmd.Wait()
		t.Fatal(err, stderr.String())
	}
	view, err := run.View()
	must(t, err)
	if view.PID != pid {
		t.Errorf("view.json names process %d, it is %d", view.PID, pid)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	killed := time.Now()
	eventually(t, "the daemon ends", func() bool { return gone(pid) })
	if took := time.Since(killed); took > soon {
		t.Errorf("the daemon ended after %v", took)
	}
	if _, err := os.Lstat(run.Path()); err == nil {
		t.Error("the run is still there")
	}
	nothingLeft(t, run, pid)
}

// poststop asks a daemon to collect when somebody keeps the view in use.
func TestTerminatedWhileHeld(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in", "later")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	job := v.job(`cat in >out; sleep 1000 & echo ready; read -r line || :
		cat later 2>&1 || echo more >>out; kill $!`)
	job.says("ready")
	running, err := daemon.Find(v.run)
	must(t, err)
	defer running.Close()
	must(t, running.Terminate())
	v.promptly()
	r := v.result(result.Partial)
	if got := outputs(r); got != "out" {
		t.Errorf("outputs %q", got)
	}
	wantError(t, r, "the view is still held", fmt.Sprintf("process %d (sh)", job.cmd.Process.Pid))
	if len(r.Errors) != 1 {
		t.Errorf("errors %q, want the job's first process only", r.Errors)
	}
	must(t, s.store.Verify(cas.Sum(cas.SHA256, []byte("in"))))
	job.goOn()
	job.says("cat: later: Transport endpoint is not connected")
	job.end()
	// What was written since is in no blob, but in the staging tree. The job ended without a daemon, so this is not complete.
	must(t, s.store.Verify(cas.Sum(cas.SHA256, []byte("in"))))
	stdout, stderr, code := cli(t, "/", "collect", v.run.Path())
	if code != 3 || stdout != "partial "+v.run.ResultPath()+"\n" || stderr != "" {
		t.Errorf("collect: exit %d, %q, %q", code, stdout, stderr)
	}
	wantError(t, v.result(result.Partial), "the daemon ended while the view was in use")
	must(t, s.store.Verify(cas.Sum(cas.SHA256, []byte("inmore\n"))))
}

// A host that shuts down tells all processes to end, whatever they are at.
func TestTerminatedBeforeTheViewIsAttached(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	must(t, unix.Kill(v.daemon.PID(), unix.SIGTERM))
	time.Sleep(10 * time.Millisecond)
	v.job("read -r line || :")
	v.promptly()
	wantError(t, v.result(result.Partial), "the view is still held")
}

// Root may cut the connection of a view that a job writes to. The job's files are not the store's then.
func TestConnectionIsAborted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	connection := connectionOf(t, v.daemon.PID())
	job := v.job("exec 3>out; echo one >&3; echo ready; read -r line || :; echo two >&3")
	job.says("ready")
	if connection == "" {
		t.Log("this kernel does not tell a process's FUSE connection: not tested on overlayfs")
		job.goOn()
		job.end()
		v.promptly()
		return
	}
	abort(t, connection)
	v.promptly()
	r := v.result(result.Partial)
	wantError(t, r, "the view is still held", fmt.Sprintf("process %d (sh)", job.cmd.Process.Pid))
	if got := outputs(r); got != "out" {
		t.Errorf("outputs %q", got)
	}
	job.goOn()
	job.end()
	must(t, s.store.Verify(cas.Sum(cas.SHA256, []byte("one\n"))))
	b, err := os.ReadFile(filepath.Join(v.run.UpperPath(), "out"))
	must(t, err)
	if string(b) != "one\ntwo\n" {
		t.Errorf("staged: %q", b)
	}
}

func TestConnectionOfReadOnlyViewIsAborted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot, spec.Driver = root, rundir.DriverNone })
	job := v.job("mountpoint -d .; read -r line || :")
	device, err := job.stdout.ReadString('\n')
	must(t, err)
	abort(t, strings.TrimSpace(strings.TrimPrefix(device, "0:")))
	v.promptly()
	wantError(t, v.result(result.Partial), "the view is still held", fmt.Sprintf("process %d (sh)", job.cmd.Process.Pid))
	job.goOn()
	job.end()
}

// connectionOf returns the number of a daemon's FUSE connection under /sys/fs/fuse, or "". It is a part of the mount's device
// number, which can't be looked at below overlayfs; newer kernels say it in fdinfo.
func connectionOf(t *testing.T, pid int) string {
	t.Helper()
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	must(t, err)
	for _, info := range infos {
		b, _ := os.ReadFile(info)
		for line := range strings.Lines(string(b)) {
			if name, value, _ := strings.Cut(line, ":"); name == "fuse_connection" {
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}

func abort(t *testing.T, connection string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-euc", `
		mount -t fusectl fusectl /sys/fs/fuse/connections
		echo 1 >"/sys/fs/fuse/connections/$1/abort"`, "sh", connection)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestBlobIsMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("dir/in", "there")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	d := cas.Sum(cas.SHA256, []byte("dir/in"))
	must(t, os.Remove(filepath.Join(s.store.Dir(), "blobs", "sha256", d.Hex()[:2], d.Hex())))
	job := v.job("cat dir/in 2>&1 || cat there >out; echo")
	job.says("cat: dir/in: Input/output error")
	job.end()
	v.promptly()
	r := v.result(result.Partial)
	wantError(t, r, "dir/in", d.String())
	if got := outputs(r); got != "out" {
		t.Errorf("outputs %q", got)
	}
}

func TestReadOnlyView(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot, spec.Driver = root, rundir.DriverNone })
	job := v.job("cat in; echo; touch new 2>&1 || :; stat -c %a%u%g in")
	job.says("in")
	job.says("touch: cannot touch 'new': Read-only file system")
	job.says("64400")
	job.end()
	v.promptly()
	r := v.result(result.Complete)
	if len(r.HashedFiles) != 0 || len(r.Inputs) != 1 {
		t.Errorf("outputs %q, inputs %q", outputs(r), r.Inputs)
	}
}

// The daemon keeps nothing of its starter that somebody might wait for, and its own rights are few.
func TestServingProcess(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	job := v.job("echo ready; read -r line || :")
	job.says("ready")
	proc := "/proc/" + strconv.Itoa(v.daemon.PID())
	eventually(t, "the daemon is confined", func() bool {
		b, err := os.ReadFile(proc + "/status")
		return err == nil && strings.Contains(string(b), "NoNewPrivs:\t1\n") && strings.Contains(string(b), "CapEff:\t000000000020000f\n")
	})
	eventually(t, "the socket is closed", func() bool {
		return !slices.ContainsFunc(links(t, proc+"/fd"), func(l string) bool { return strings.HasPrefix(l, "socket:") })
	})
	for _, l := range links(t, proc+"/fd") {
		if strings.HasPrefix(l, "pipe:") {
			t.Errorf("the daemon holds %s", l)
		}
	}
	own, err := os.Readlink("/proc/self/ns/mnt")
	must(t, err)
	tasks, err := filepath.Glob(proc + "/task/*/ns/mnt")
	must(t, err)
	for _, task := range tasks {
		if ns, err := os.Readlink(task); err == nil && ns != own {
			t.Errorf("%s is %s, not %s", task, ns, own)
		}
	}
	job.goOn()
	job.end()
	v.promptly()
	v.result(result.Complete)
}

func links(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		if l, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			all = append(all, l)
		}
	}
	return all
}

// The job's death by a signal is an end like any other.
func TestJobIsKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	job := v.job("echo out >out; echo ready; read -r line")
	job.says("ready")
	must(t, job.cmd.Process.Signal(unix.SIGKILL))
	_ = job.cmd.Wait()
	v.promptly()
	if got := outputs(v.result(result.Complete)); got != "out" {
		t.Errorf("outputs %q", got)
	}
}
