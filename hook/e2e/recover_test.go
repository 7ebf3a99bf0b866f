package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// The daemon and the runtime are killed, so nobody reports the container's end. The job works on without a daemon: the run
// is left alone until it is over too. Then its files are in a result that says what happened, and nothing is left.
func TestRecover(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	root := s.store(t, file{path: "in", content: "in\n"})
	id := unique("c")
	w := startWaiting(t, r, job{inputs: root, run: unique("recover"), id: id})
	if o := s.casview(t, "recover"); o.code != 0 || o.stdout != "" || o.stderr != "" {
		t.Errorf("with a live daemon: exit %d, %q, %q", o.code, o.stdout, o.stderr)
	}
	must(t, unix.Kill(s.daemonOf(t, w.name).pid, unix.SIGKILL))
	s.noProcesses(t)
	o := s.casview(t, "recover")
	want := fmt.Sprintf("casview: run %s has no daemon, but is still in use by process %d (sh): left alone\n", w.name, w.pid(t))
	if o.code != 0 || o.stdout != "" || o.stderr != want {
		t.Errorf("while the job runs: exit %d, %q, %q; expected %q", o.code, o.stdout, o.stderr, want)
	}
	if exists(filepath.Join(s.runDir(w.name), "result.json")) {
		t.Error("a running job's files were collected")
	}
	must(t, w.engine.cmd.Process.Kill())
	w.kill(t)
	w.engine.wait(t)
	s.noMounts(t)

	o = s.casview(t, "recover")
	if want := "partial " + filepath.Join(s.runDir(w.name), "result.json") + "\n"; o.code != 0 || o.stdout != want || o.stderr != "" {
		t.Errorf("exit %d, %q, %q; expected %q", o.code, o.stdout, o.stderr, want)
	}
	got := s.result(t, w.name)
	if got.Status != result.Partial || !strings.Contains(strings.Join(got.Errors, "\n"), "the daemon died") {
		t.Errorf("status %s, errors %q; expected a partial result, since the daemon died", got.Status, got.Errors)
	}
	wantPaths(t, "hashed_files", outputPaths(got), "ready")
	nothingLeft(t, r, w.name)
	if o := s.casview(t, "recover"); o.code != 0 || o.stdout != "" || o.stderr != "" {
		t.Errorf("again: exit %d, %q, %q", o.code, o.stdout, o.stderr)
	}
	output(t, r.runtime(t, "delete", "--force", id))
}

// A run that can't be collected is named, and keeps no other from its result.
func TestRecoverGoesOn(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	root := s.store(t, file{path: "in", content: "in\n"})
	var runs []string
	for range 2 {
		w := startWaiting(t, r, job{inputs: root, run: unique("recover"), id: unique("c")})
		must(t, w.engine.cmd.Process.Kill())
		must(t, unix.Kill(s.daemonOf(t, w.name).pid, unix.SIGKILL))
		w.kill(t)
		w.engine.wait(t)
		runs = append(runs, w.name)
	}
	s.noProcesses(t)
	s.noMounts(t)
	must(t, os.WriteFile(filepath.Join(s.runDir(runs[0]), "run.json"), []byte("{"), 0o600))
	o := s.casview(t, "recover")
	if o.code != 1 || strings.Count(o.stderr, "\n") != 1 || !strings.Contains(o.stderr, filepath.Join(s.runDir(runs[0]), "run.json")) {
		t.Errorf("exit %d, %q; expected 1 and a line that names the torn run.json", o.code, o.stderr)
	}
	if want := "partial " + filepath.Join(s.runDir(runs[1]), "result.json") + "\n"; o.stdout != want {
		t.Errorf("stdout %q, expected %q", o.stdout, want)
	}
	must(t, os.RemoveAll(s.runDir(runs[0]))) // so that the site's own checks can read all runs
}
