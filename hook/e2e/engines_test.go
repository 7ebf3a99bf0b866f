package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// drivers are those that every engine is tested with.
var drivers = []staging{onOverlay, onFUSE}

// TestEngines runs on every engine, with both drivers, what must hold on every engine. What it sees is the matrix in
// docs/engines.md.
func TestEngines(t *testing.T) {
	m := newMatrix()
	m.run(t)
	m.check(t)
}

func behavesWell(t *testing.T, e engine, count func(*testing.T)) {
	for _, behaviour := range []struct {
		name string
		test func(t *testing.T, e engine)
	}{
		{"ContainerWithoutCasviewIsLeftAlone", plainContainer},
		{"DeclaredInputsOnly", declaredInputsOnly},
		{"OutputsAreHashedAndStored", outputsAreHashed},
		{"TraceOfInputsListedAbsent", traced},
		{"ExitCodeOfTheJobPassesThrough", exitCode},
		{"JobKilledBySIGKILLIsCollected", killedJob},
		{"DaemonKilledBySIGKILL", killedDaemon},
		{"ViewBelongsToTheJobsUser", jobsUser},
		{"ReadOnlyRootfs", readOnlyRootfs},
		{"Marker", marker},
		{"RunNameTwice", runNameTwice},
		{"RefusedContainerDoesNotRun", refused},
	} {
		t.Run(behaviour.name, func(t *testing.T) {
			count(t)
			behaviour.test(t, e)
		})
	}
}

func plainContainer(t *testing.T, e engine) {
	o := succeed(t, e, job{args: []string{"/bin/sh", "-c", "echo plain; test ! -e /workspace; test ! -e /.casview"}})
	if o.stdout != "plain\n" {
		t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
	}
	e.site().noRuns(t)
}

func declaredInputsOnly(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "src/main.c", content: "int main;\n"}, file{path: "src/run.sh", content: "echo ran\n", mode: 0o755}, file{path: "src/link", symlink: "main.c"})
	name := unique("declared")
	o := succeed(t, e, sh(root, name, `
		find . | sort
		cat src/main.c src/link
		sh src/run.sh
		stat -c %a src/run.sh
		for p in nothing src/main.h src/no/dir; do
			test ! -e $p
			cat $p 2>&1 | grep -q "No such file" 
			rm $p 2>&1 | grep -q "No such file"
			readlink $p || echo no $p
		done
		echo own > src/main.h
		cat src/main.h`))
	want := ".\n./src\n./src/link\n./src/main.c\n./src/run.sh\nint main;\nint main;\nran\n755\nno nothing\nno src/main.h\nno src/no/dir\nown\n"
	if o.stdout != want {
		t.Errorf("the job printed %q, expected %q (stderr %q)", o.stdout, want, o.stderr)
	}
	r := s.complete(t, name)
	wantPaths(t, "hashed_files", outputPaths(r), "src/main.h")
	wantPaths(t, "modified_inputs", r.ModifiedInputs)
	wantPaths(t, "deleted_inputs", r.DeletedInputs)
	nothingLeft(t, e, name)
}

func outputsAreHashed(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "in", content: "input\n"}, file{path: "gone", content: "gone\n"})
	name := unique("outputs")
	o := succeed(t, e, sh(root, name, `
		mkdir -p build/sub
		head -c 300000 /dev/urandom > build/random
		echo hello > build/sub/hello
		chmod 640 build/sub/hello
		ln build/random build/sub/same
		ln -s ../build/random build/latest
		echo more >> in
		rm gone
		sha256sum build/random build/sub/hello in`))
	r := s.complete(t, name)
	wantPaths(t, "hashed_files", outputPaths(r), "build", "build/latest", "build/random", "build/sub", "build/sub/hello", "build/sub/same", "in")
	wantPaths(t, "modified_inputs", r.ModifiedInputs, "in")
	wantPaths(t, "deleted_inputs", r.DeletedInputs, "gone")
	if r.InputsRoot.String() != root || r.Run != name || r.Target != "/workspace" {
		t.Errorf("result: inputs_root %s, run %s, target %s", r.InputsRoot, r.Run, r.Target)
	}
	for line := range strings.Lines(o.stdout) {
		sum, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
		entry := wantEntry(t, r, path, result.File)
		if entry.Hash.Hex() != sum {
			t.Errorf("%s: hash %s, sha256sum in the job said %s", path, entry.Hash, sum)
		}
		c := s.casview(t, "cat", r.OutputsRoot.String(), path)
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(c.stdout))); got != sum {
			t.Errorf("%s: the store's content has hash %s, expected %s (%s)", path, got, sum, c.stderr)
		}
	}
	if entry := wantEntry(t, r, "build/sub/same", result.Hardlink); entry.Target != "build/random" {
		t.Errorf("hardlink to %q", entry.Target)
	}
	if entry := wantEntry(t, r, "build/latest", result.Symlink); entry.Target != "../build/random" {
		t.Errorf("symlink to %q", entry.Target)
	}
	if entry := wantEntry(t, r, "build/sub/hello", result.File); entry.Mode != 0o640 {
		t.Errorf("mode %o", entry.Mode)
	}
	nothingLeft(t, e, name)
}

func traced(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "a/read", content: "read\n"}, file{path: "a/empty"}, file{path: "a/unread", content: "unread\n"},
		file{path: "a/link", symlink: "read"}, file{path: "b/unlisted", content: "x\n"})
	name := unique("trace")
	succeed(t, e, sh(root, name, `
		cat a/read a/empty > /dev/null
		readlink a/link > /dev/null
		ls b > /dev/null
		test ! -e a/missing
		echo own > own
		cat own > /dev/null`))
	r := s.complete(t, name)
	wantPaths(t, "inputs", r.Inputs, "a/empty", "a/link", "a/read")
	wantPaths(t, "listed", r.Listed, "b")
	if !slices.Contains(r.Absent, "a/missing") {
		t.Errorf("absent: %q", r.Absent)
	}
	for _, list := range [][]result.Path{r.Inputs, r.Listed} {
		if slices.Contains(list, "own") {
			t.Error("a path that the job made is in the trace")
		}
	}
	nothingLeft(t, e, name)
}

func exitCode(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"})
	name := unique("exit")
	o := runJob(t, e, sh(root, name, "echo out > out; exit 7"))
	if o.code != 7 {
		t.Errorf("exit %d, expected the job's 7: %s", o.code, o.stderr)
	}
	wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
	nothingLeft(t, e, name)
}

func killedJob(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"})
	waiting := startWaiting(t, e, job{inputs: root, run: unique("killed")})
	waiting.kill(t)
	if o := waiting.engine.wait(t); o.code == 0 {
		t.Errorf("exit 0 after SIGKILL: %s", o.stderr)
	}
	wantPaths(t, "hashed_files", outputPaths(s.complete(t, waiting.name)), "ready")
	nothingLeft(t, e, waiting.name)
}

// The daemon is the first thing that the kernel's OOM killer would take. What the job wrote is on disk all the same.
func killedDaemon(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"})
	w := startWaiting(t, e, job{inputs: root, run: unique("orphan")})
	must(t, unix.Kill(s.daemonOf(t, w.name).pid, unix.SIGKILL))
	w.terminate(t)
	if o := w.engine.wait(t); o.code != 7 {
		t.Errorf("exit %d, expected the job's 7: %s", o.code, o.stderr)
	}
	got := s.result(t, w.name)
	if got.Status != result.Partial || !strings.Contains(strings.Join(got.Errors, "\n"), "the daemon died") {
		t.Errorf("status %s, errors %q; expected a partial result that says why", got.Status, got.Errors)
	}
	wantPaths(t, "hashed_files", outputPaths(got), "ready")
	if e := wantEntry(t, got, "ready", result.File); e.Hash.Hex() != sha256Hex("ready\n") || !exists(s.blob(e.Hash.String())) {
		t.Errorf("the output %+v is not in the store", e)
	}
	nothingLeft(t, e, w.name)
}

func jobsUser(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "dir/in", content: "in\n", mode: 0o600})
	name := unique("user")
	j := sh(root, name, `
		id -u
		stat -c %u:%g . dir dir/in
		cat dir/in
		echo more >> dir/in
		mkdir made
		echo out > made/out
		stat -c %u:%g made/out dir/in`)
	j.uid, j.gid = 1234, 5678
	o := succeed(t, e, j)
	if want := "1234\n" + strings.Repeat("1234:5678\n", 3) + "in\n" + strings.Repeat("1234:5678\n", 2); o.stdout != want {
		t.Errorf("the job printed %q, expected %q", o.stdout, want)
	}
	r := s.complete(t, name)
	wantPaths(t, "hashed_files", outputPaths(r), "dir/in", "made", "made/out")
	nothingLeft(t, e, name)
}

func readOnlyRootfs(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"})
	name := unique("readonly")
	j := sh(root, name, "touch /made 2>/dev/null && exit 1; cat in > out")
	j.readonly = true
	succeed(t, e, j)
	wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
	nothingLeft(t, e, name)
}

// While a run lives its name is taken. Once it ended, the name goes to the next run and the old result is kept.
func runNameTwice(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"})
	first := startWaiting(t, e, job{inputs: root, run: unique("twice")})
	o := runJob(t, e, sh(root, first.name, "echo second > second"))
	if o.code == 0 {
		t.Error("two live containers have the same run name")
	}
	first.kill(t)
	first.engine.wait(t)
	old := s.complete(t, first.name)
	wantPaths(t, "hashed_files of the first", outputPaths(old), "ready")
	nonce := s.open(t, first.name).Spec().Nonce
	nothingLeft(t, e, first.name)

	succeed(t, e, sh(root, first.name, "echo second > second"))
	eventually(t, func() error {
		if s.open(t, first.name).Spec().Nonce == nonce {
			return fmt.Errorf("run %s is still the first one", first.name)
		}
		return nil
	})
	wantPaths(t, "hashed_files of the second", outputPaths(s.complete(t, first.name)), "second")
	nothingLeft(t, e, first.name)
	aside, err := filepath.Glob(s.runDir(first.name) + ".*")
	must(t, err)
	if len(aside) != 1 {
		t.Fatalf("moved aside: %q", aside)
	}
	wantPaths(t, "hashed_files aside", outputPaths(s.result(t, filepath.Base(aside[0]))), "ready")
	must(t, os.RemoveAll(aside[0]))
	must(t, os.RemoveAll(s.runDir(first.name)))
}

// Fail closed: with inputs that can't be shown there is no container.
func refused(t *testing.T, e engine) {
	s := e.site()
	before := names(t, filepath.Join(s.state, "runs"))
	name := unique("refused")
	o := runJob(t, e, sh("sha256:"+strings.Repeat("0", 64), name, "echo the job ran"))
	if o.code == 0 || strings.Contains(o.stdout, "the job ran") {
		t.Errorf("the job ran on inputs that are not there: exit %d, stdout %q", o.code, o.stdout)
	}
	if crun := strings.Contains(o.stderr, "error executing hook `"); crun {
		// crun shows no output of hooks: the user sees which one refused.
		if !strings.Contains(o.stderr, "casview-hook") {
			t.Errorf("stderr does not name the hook: %q", o.stderr)
		}
	} else {
		wantLine(t, o.stderr, "not in the store")
	}
	// Whatever the engine does with a hook's stderr, the cause can be asked for.
	if o := s.casview(t, "result", name); o.code != 6 || !strings.Contains(o.stderr, "not in the store") {
		t.Errorf("casview result: exit %d, %q", o.code, o.stderr)
	}
	s.noProcesses(t)
	if after := names(t, filepath.Join(s.state, "runs")); !slices.Equal(before, after) {
		t.Errorf("runs before %q, after %q", before, after)
	}
	if _, err := os.Lstat(filepath.Join(e.rootfs(), "workspace")); err == nil {
		t.Error("left behind: /workspace in the root filesystem")
	}
	s.onlyStateFiles(t)
}

// outputPaths are the keys of hashed_files.
func outputPaths(r *result.Result) []result.Path {
	var all []result.Path
	for _, e := range r.HashedFiles {
		all = append(all, result.Path(e.Path))
	}
	return all
}

func wantPaths(t *testing.T, what string, got []result.Path, want ...result.Path) {
	t.Helper()
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		t.Errorf("%s: %q, expected %q", what, got, want)
	}
}

func wantEntry(t *testing.T, r *result.Result, path string, kind result.Kind) result.Entry {
	t.Helper()
	entry, ok := r.HashedFiles.Find(path)
	if !ok || entry.Kind != kind {
		t.Errorf("%q: %+v, expected a %s", path, entry, kind)
	}
	return entry
}
