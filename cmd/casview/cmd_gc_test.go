package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/runstate"
)

// forget lets the last ingest of each directory be forgotten: what is left in use is what tests name.
func (s site) forget() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.state, "store/index")); err != nil {
		s.t.Fatal(err)
	}
	s.age()
}

// age lets all blobs be such as nobody has looked at for an hour.
func (s site) age() {
	s.t.Helper()
	blobs, err := filepath.Glob(filepath.Join(s.state, "store/blobs/*/*/*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, b := range blobs {
		if err := os.Chtimes(b, time.Now().Add(-time.Hour), time.Time{}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// gc calls `casview gc --json`.
func (s site) gc(args ...string) (r gcReport) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.ok(append([]string{"gc", "--json", "--grace", "0s"}, args...)...)), &r); err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s site) has(digest string) bool {
	s.t.Helper()
	return s.casview("tree", "ls", "-R", digest).code == 0
}

func TestGCKeepsWhatIsNamed(t *testing.T) {
	s := newSite(t)
	roots := map[string]string{}
	specs := t.TempDir()
	for _, name := range []string{"unused", "device", "named", "indexed"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "d", name), name)
		roots[name] = s.ingest(dir)
		if name == "named" {
			if o := s.process("cdi", "--spec-dir", specs, "--inputs", roots["device"], "--name", "device"); o.code != 0 {
				t.Fatal(o.err)
			}
			write(t, filepath.Join(s.state, "roots", "base"), roots["named"]+"\n")
			s.forget()
		}
	}
	s.gc("--spec-dir", specs, "--dry-run")
	if !s.has(roots["unused"]) {
		t.Error("a dry run has removed something")
	}
	s.age()
	r := s.gc("--spec-dir", specs)
	for name, root := range roots {
		if want := name != "unused"; s.has(root) != want {
			t.Errorf("%s is there: %v", name, !want)
		}
	}
	if r.RemovedBlobs != 3 || r.RemovedBytes <= int64(len("unused")) || r.KeptBlobs != 9 || r.DryRun || len(r.RemovedResults) > 0 {
		t.Errorf("%+v", r)
	}
	if got, want := s.ok("gc", "--spec-dir", specs), "removed 0 blobs, 0 B, and left 9\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// word is what follows after a mark, up to the next space or comma.
func word(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	return rest[:strings.IndexAny(rest, " ,:;\n")]
}

// A live run has its inputs and its result what it names, until that is older than results are kept.
func TestGCAndRuns(t *testing.T) {
	s := newSite(t)
	root, other := s.ingest(sources(t)), s.ingest(t.TempDir())
	m := s.mount(root, "--staging", filepath.Join(t.TempDir(), "staging"))
	run := "mount-" + word(m.err.String(), " as run mount-")
	s.forget()
	if r := s.gc(); r.RemovedBlobs != 1 || s.has(other) {
		t.Errorf("%+v", r)
	}
	if b, err := os.ReadFile(filepath.Join(m.dir, "src/main.c")); err != nil || string(b) != "int main;\n" {
		t.Errorf("input: %q, %v", b, err)
	}
	write(t, filepath.Join(m.dir, "out/file"), "output")
	m.signal(os.Interrupt)
	result := m.ends(0)

	s.forget()
	if r := s.gc("--keep-results", "1h"); r.RemovedBlobs != 0 || len(r.RemovedResults) > 0 {
		t.Errorf("%+v", r)
	}
	if got := s.ok("cat", result.OutputsRoot.String(), "out/file"); got != "output" {
		t.Errorf("output: %q", got)
	}
	if !s.has(root) {
		t.Error("the result's inputs are gone")
	}
	old := time.Now().Add(-2 * time.Hour)
	path := filepath.Join(s.state, "runs", run, "result.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !s.has(root) || s.casview("result", run).code != 0 {
		t.Error("the result is gone")
	}
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	s.forget()
	dry := s.gc("--keep-results", "1h", "--dry-run")
	s.ok("result", run)
	r := s.gc("--keep-results", "1h")
	if len(r.RemovedResults) != 1 || string(r.RemovedResults[0]) != run || r.KeptBlobs != 0 || r.RemovedBlobs != dry.RemovedBlobs || len(dry.RemovedResults) != 1 {
		t.Errorf("%+v, dry run %+v", r, dry)
	}
	s.casview("result", run).wantExit(t, exitNoRun, run)
	if blob := cas.Sum(cas.SHA256, text); s.casview("cat", blob.String(), "x").code == 0 {
		t.Error("the result's blob is still there")
	}
	if state := s.ok("ps"); strings.Contains(state, string(runstate.Complete)) {
		t.Errorf("ps: %s", state)
	}
}

// What a collector can't know the use of it leaves alone, and says so in one line.
func TestGCRefuses(t *testing.T) {
	s := newSite(t)
	root := s.ingest(sources(t))
	s.forget()
	for path, want := range map[string]string{"roots/typo": "roots/typo: digest", "runs/r/result.json": "runs/r/result.json: result: "} {
		write(t, filepath.Join(s.state, path), "main")
		s.casview("gc", "--grace", "0s").wantExit(t, 1, want)
		if !s.has(root) {
			t.Fatal("removed all the same")
		}
		if err := os.RemoveAll(filepath.Dir(filepath.Join(s.state, path))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		write(t, filepath.Join(s.state, fmt.Sprintf("runs/torn%d/run.json", i)), "")
	}
	s.forget()
	o := s.casview("gc", "--grace", "0s")
	o.wantExit(t, 1, "and 3 more of this kind")
	if !strings.HasPrefix(o.out, "removed ") || s.has(root) {
		t.Errorf("a torn run is in the way of all else: %q", o.out)
	}
}

func TestGCUsage(t *testing.T) {
	s := newSite(t)
	for _, args := range [][]string{{"gc", "now"}, {"gc", "--grace", "-1h"}, {"gc", "--grace", "2"}, {"gc", "--keep-results", "-1ns"}} {
		s.casview(args...).wantExit(t, exitUsage, "gc: ")
	}
	write(t, s.config, "state = \""+s.state+"\"\n[gc]\ngrace = \"1h\"\n")
	s.casview("gc").wantExit(t, 1, s.config+`:3: gc.grace: "1h0m0s" is less than 2h`)
}

// Old results go last, and not at all where something is wrong.
func TestGCRemovesResultsLast(t *testing.T) {
	s := newSite(t)
	m := s.mount(s.ingest(sources(t)), "--staging", filepath.Join(t.TempDir(), "staging"))
	run := "mount-" + word(m.err.String(), " as run mount-")
	write(t, filepath.Join(m.dir, "out"), "output")
	m.signal(os.Interrupt)
	m.ends(0)
	old := time.Now().Add(-2 * time.Hour)
	path := filepath.Join(s.state, "runs", run, "result.json")
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	gc := []string{"gc", "--grace", "0s", "--keep-results", "1h"}
	write(t, filepath.Join(s.state, "runs/torn/result.json"), "{")
	s.casview(gc...).wantExit(t, 1, "runs/torn/result.json: result: ")
	s.ok("result", run)
	if err := os.RemoveAll(filepath.Join(s.state, "runs/torn")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, text[:10], 0o600), os.Chtimes(path, old, old)); err != nil {
		t.Fatal(err)
	}
	s.casview(gc...).wantExit(t, 1, path+": ")
	if err := errors.Join(os.WriteFile(path, text, 0o600), os.Chtimes(path, old, old)); err != nil {
		t.Fatal(err)
	}
	s.ok(gc...)
	s.casview("result", run).wantExit(t, exitNoRun, run)
}

// Devices in a folder of the user's own are known to the timer's gc too.
func TestGCKnowsSpecDirs(t *testing.T) {
	s := newSite(t)
	root, specs := s.ingest(sources(t)), filepath.Join(t.TempDir(), "specs")
	if o := s.process("cdi", "--spec-dir", specs, "--inputs", root, "--name", "device"); o.code != 0 {
		t.Fatal(o.err)
	}
	s.forget()
	s.gc()
	if !s.has(root) {
		t.Error("a device's inputs are gone")
	}
	s.age()
	s.ok("cdi", "remove", "device", "--spec-dir", specs)
	if err := os.RemoveAll(specs); err != nil {
		t.Fatal(err)
	}
	s.gc()
	if s.has(root) {
		t.Error("a device that was removed keeps its inputs")
	}
	s.casview("gc", "--spec-dir", specs).wantExit(t, 1, "--spec-dir: stat "+specs)
}
