package packaging

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// The job tells that it has begun, waits for a line on stdin, and writes what that says.
const jobScript = `cd /workspace && cat in > begun && echo begun && read -r line && echo "$line" > out`

// makeBundle makes a bundle of runc's in the system, with the job on its inputs, as `casview spec` prepares it.
func (s *system) makeBundle(t *testing.T, run string) (bundle string) {
	t.Helper()
	bundle = "/srv/" + run
	for _, dir := range []string{"inputs", "rootfs/bin", "rootfs/proc", "rootfs/dev", "rootfs/sys"} {
		must(t, os.MkdirAll(filepath.Join(s.root, bundle, dir), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(s.root, bundle, "inputs/in"), []byte("in\n"), 0o644))
	output(t, exec.Command("cp", find(t, "busybox"), filepath.Join(s.root, bundle, "rootfs/bin/busybox")))
	output(t, exec.Command("chroot", filepath.Join(s.root, bundle, "rootfs"), "/bin/busybox", "--install", "-s", "/bin"))
	output(t, s.inside("runc", "spec", "--bundle", bundle))
	s.editSpec(t, bundle)
	digest := output(t, s.inside("casview", "ingest", bundle+"/inputs"))
	output(t, s.inside("casview", "spec", "--bundle", bundle, "--inputs", digest, "--run", run))
	return bundle
}

// editSpec makes the job the container's process. Resource limits are left out: raising one needs a capability that hosts
// inside a container lack.
func (s *system) editSpec(t *testing.T, bundle string) {
	t.Helper()
	file := filepath.Join(s.root, bundle, "config.json")
	b, err := os.ReadFile(file)
	must(t, err)
	var spec map[string]any
	must(t, json.Unmarshal(b, &spec))
	process := spec["process"].(map[string]any)
	process["args"], process["terminal"] = []string{"/bin/sh", "-c", jobScript}, false
	delete(process, "rlimits")
	delete(spec["linux"].(map[string]any), "resources")
	spec["root"].(map[string]any)["readonly"] = false
	b, err = json.Marshal(spec)
	must(t, err)
	must(t, os.WriteFile(file, b, 0o644))
}

// running is a job that waits for its line.
type running struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *strings.Builder
}

// startJob starts a container and returns when its job has begun.
func (s *system) startJob(t *testing.T, run string) *running {
	t.Helper()
	cmd := s.inside("runc", "--root", "/srv/runtime", "run", "--bundle", s.makeBundle(t, run), run)
	j := &running{cmd: cmd, stderr: &strings.Builder{}}
	cmd.Stderr, cmd.WaitDelay = j.stderr, 5*time.Second
	var err error
	j.stdin, err = cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { j.stdin.Close() }) // lets the job end, should the test have failed
	begun := make([]byte, len("begun\n"))
	if _, err := io.ReadFull(stdout, begun); err != nil {
		t.Fatalf("the job did not begin: %v, %v, %s", err, cmd.Wait(), j.stderr)
	}
	return j
}

// finish lets the job write its line and end. Poststop has returned then.
func (j *running) finish(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(j.stdin, line+"\n")
	must(t, errors.Join(err, j.stdin.Close()))
	if err := j.cmd.Wait(); err != nil || j.stderr.Len() > 0 {
		t.Errorf("%s: %v, %s", j.cmd, err, j.stderr)
	}
}

// end lets a job end of which the daemon is dead: it finds nothing to write to any more, and poststop says so.
func (j *running) end(t *testing.T) {
	t.Helper()
	must(t, j.stdin.Close())
	if err := j.cmd.Wait(); err == nil {
		t.Errorf("%s: exit 0; expected that the job fails", j.cmd)
	}
}

// killDaemon kills the daemon of a run, and returns when it is gone.
func (s *system) killDaemon(t *testing.T, run string) {
	t.Helper()
	d, err := rundir.OpenPath(filepath.Join(s.root, "var/lib/casview/runs", run))
	must(t, err)
	v, err := d.View()
	must(t, err)
	must(t, syscall.Kill(v.PID, syscall.SIGKILL))
	for deadline := time.Now().Add(20 * time.Second); syscall.Kill(v.PID, 0) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("daemon %d does not die", v.PID)
		}
	}
}

// wantCollected checks the result of a run whose daemon was killed: it says so, and has what the job had written.
func (s *system) wantCollected(t *testing.T, run string) {
	t.Helper()
	r, err := result.Read(filepath.Join(s.root, "var/lib/casview/runs", run, "result.json"))
	must(t, err)
	if _, begun := r.HashedFiles.Find("begun"); r.Status != result.Partial || !begun || !strings.Contains(strings.Join(r.Errors, "\n"), "the daemon died") {
		t.Errorf("run %s: status %s, errors %q, outputs %v; expected a partial result with begun", run, r.Status, r.Errors, r.HashedFiles)
	}
}

// wantComplete checks a run's result, and its output in the store.
func (s *system) wantComplete(t *testing.T, run, line string) {
	t.Helper()
	var r struct {
		Status result.Status
		Errors []string
		Hashed map[string]any `json:"hashed_files"`
	}
	must(t, json.Unmarshal([]byte(output(t, s.inside("casview", "result", run))), &r))
	if r.Status != result.Complete || len(r.Errors) > 0 || len(r.Hashed) != 2 {
		t.Errorf("run %s: %+v; expected a complete result with two outputs", run, r)
	}
	output(t, s.inside("casview", "materialize", run, "/srv/out-"+run))
	for name, want := range map[string]string{"begun": "in\n", "out": line + "\n"} {
		if got, err := os.ReadFile(filepath.Join(s.root, "srv/out-"+run, name)); err != nil || string(got) != want {
			t.Errorf("run %s: %s holds %q, %v; expected %q", run, name, got, err, want)
		}
	}
}
