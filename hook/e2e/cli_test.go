package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/result"
)

// casviewRun is `casview run -- podman run ...` of a shell script.
func casviewRun(t *testing.T, p *podman, inputs, run, script string) *exec.Cmd {
	t.Helper()
	return p.underCasview(p.command(t, job{args: sh("", "", script).args}), inputs, run)
}

func TestCasviewRunPodman(t *testing.T) {
	p := startPodmanRunc(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	t.Run("Complete", func(t *testing.T) {
		name := unique("cli")
		o := run(t, casviewRun(t, p, root, name, "cat in; echo out > out"))
		if o.code != 0 || o.stdout != "in\n" || !strings.Contains(o.stderr, filepath.Join(s.runDir(name), "result.json")) {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, p, name)
	})
	t.Run("Directory", func(t *testing.T) {
		name := unique("cli")
		dir := filepath.Join(s.dir, "given")
		must(t, os.Mkdir(dir, 0o755))
		writeFiles(t, dir, []file{{path: "given", content: "given\n"}})
		if o := run(t, casviewRun(t, p, dir, name, "cat given")); o.code != 0 || o.stdout != "given\n" {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		nothingLeft(t, p, name)
	})
	t.Run("JobsExitCode", func(t *testing.T) {
		name := unique("cli")
		if o := run(t, casviewRun(t, p, root, name, "echo out > out; exit 9")); o.code != 9 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		s.complete(t, name)
	})
	t.Run("OutputsNotComplete", func(t *testing.T) {
		s.configure(t, setup{"collect": "timeout = \"30s\"\nspecial_files = \"fail\""})
		defer s.configure(t, nil)
		name := unique("cli")
		if o := run(t, casviewRun(t, p, root, name, "mkfifo pipe")); o.code != 125 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
	})
	t.Run("ContainerRefused", func(t *testing.T) {
		must(t, os.WriteFile(filepath.Join(p.image, "workspace"), nil, 0o644))
		defer os.Remove(filepath.Join(p.image, "workspace"))
		o := run(t, casviewRun(t, p, root, unique("cli"), "echo the job ran"))
		if o.code != 125 || strings.Contains(o.stdout, "ran") {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantLine(t, o.stderr, "the hook refused the container: target /workspace: is not a directory")
	})
}

// crun shows nothing of what its hooks say, so casview run does.
func TestCasviewRunTellsWhatCrunHides(t *testing.T) {
	p := startPodmanCrun(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	must(t, os.WriteFile(filepath.Join(p.image, "workspace"), nil, 0o644))
	defer os.Remove(filepath.Join(p.image, "workspace"))
	o := run(t, casviewRun(t, p, root, unique("cli"), "echo the job ran"))
	if o.code != 125 || strings.Contains(o.stdout, "ran") {
		t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
	}
	wantLine(t, o.stderr, "the hook refused the container: target /workspace: is not a directory")
}

// What the CLI says of a run while its job works.
func TestLiveRun(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	root := s.store(t, file{path: "in", content: "in\n"})
	w := startWaiting(t, r, job{inputs: root, run: unique("live")})
	if o := s.casview(t, "result", w.name); o.code != 5 {
		t.Errorf("casview result of a live run: exit %d, %q", o.code, o.stderr)
	}
	if o := s.casview(t, "result", "no-such-run"); o.code != 6 {
		t.Errorf("casview result of no run: exit %d, %q", o.code, o.stderr)
	}
	o := s.casview(t, "staged", w.name)
	var staged struct {
		Files map[string]struct {
			StagingPath string `json:"staging_path"`
		} `json:"staging_files"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &staged); err != nil || o.code != 0 {
		t.Fatalf("casview staged: exit %d, %v, %q", o.code, err, o.stderr)
	}
	if b, err := os.ReadFile(staged.Files["ready"].StagingPath); err != nil || string(b) != "ready\n" {
		t.Errorf("staged: %+v, %q, %v", staged.Files, b, err)
	}
	if o := s.casview(t, "ps"); o.code != 0 || !strings.Contains(o.stdout, w.name) {
		t.Errorf("casview ps: exit %d, %q", o.code, o.stdout)
	}
	waiter := start(t, s.command("casview", "--config", s.config, "result", w.name, "--wait", "60s"))
	w.kill(t)
	w.engine.wait(t)
	waited := waiter.wait(t)
	got, err := result.Decode(strings.NewReader(waited.stdout))
	if err != nil || waited.code != 0 || got.Run != w.name {
		t.Errorf("casview result --wait: exit %d, %v, %q", waited.code, err, waited.stderr)
	}
	nothingLeft(t, r, w.name)
}

// The inputs of one job can be the outputs of another.
func TestOutputsBecomeInputs(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	first, second := unique("first"), unique("second")
	succeed(t, r, sh(s.store(t, file{path: "in", content: "in\n"}), first, "mkdir -p sub; cat in > sub/one; ln sub/one two; ln -s sub link; chmod 750 sub"))
	got := s.complete(t, first)
	o := succeed(t, r, sh(got.OutputsRoot.String(), second, "find . | sort; cat link/one two; stat -c %a sub"))
	if want := ".\n./link\n./sub\n./sub/one\n./two\nin\nin\n750\n"; o.stdout != want {
		t.Errorf("the second job printed %q, expected %q", o.stdout, want)
	}
	s.complete(t, second)
	nothingLeft(t, r, second)
}
