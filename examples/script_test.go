package examples

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
)

// script is one call of an example, as a user would make it: from another directory, with the host's environment.
type script struct {
	before []string // what stands before the command
	path   string
	args   []string
	env    []string
	work   string // $CASVIEW_WORK; "" lets the example make and remove a directory of its own
}

type outcome struct {
	code           int
	stdout, stderr string
}

// run runs the script and checks that it leaves nothing behind, in the temporary directory and on the host.
func (s script) run(t *testing.T) outcome {
	t.Helper()
	needHost(t)
	path, err := filepath.Abs(s.path)
	must(t, err)
	temp := tempDir(t)
	argv := slices.Concat(s.before, []string{path}, s.args)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "CASVIEW_BIN="+shared.bin, "CASVIEW_WORK="+s.work, "TMPDIR="+temp)
	cmd.Env = append(cmd.Env, s.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(temp)
	must(t, err)
	if len(left) != 0 {
		t.Errorf("left in the temporary directory: %v", left)
	}
	nothingRuns(t)
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// succeed runs a script that must end with 0.
func (s script) succeed(t *testing.T) outcome {
	t.Helper()
	o := s.run(t)
	o.want(t, 0, "")
	return o
}

// want checks the exit code and that stderr has a text.
func (o outcome) want(t *testing.T, code int, text string) {
	t.Helper()
	if o.code != code || !strings.Contains(o.stderr, text) {
		t.Fatalf("exit %d, want %d and %q\nstdout: %s\nstderr: %s", o.code, code, text, o.stdout, o.stderr)
	}
}

// nothingRuns checks that no process of casview is left and nothing is mounted.
func nothingRuns(t *testing.T) {
	t.Helper()
	var left string
	for range 200 {
		if left = running(t); left == "" {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	if left != "" {
		t.Errorf("still runs: %s", left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, shared.dir+"/") {
			t.Errorf("still mounted: %s", line)
		}
	}
}

// running is the command line of a process that runs a program of casview's, "" if there is none.
func running(t *testing.T) string {
	t.Helper()
	programs, err := filepath.Glob("/proc/[0-9]*/exe")
	must(t, err)
	for _, p := range programs {
		if exe, err := os.Readlink(p); err == nil && strings.HasPrefix(exe, shared.bin+"/") {
			cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cmdline"))
			return strings.ReplaceAll(string(cmdline), "\x00", " ")
		}
	}
	return ""
}

// results are all results in an example's work directory.
func results(t *testing.T, work string) []*result.Result {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(work, "state/runs/*/result.json"))
	must(t, err)
	var out []*result.Result
	for _, p := range found {
		r, err := result.Read(p)
		must(t, err)
		out = append(out, r)
	}
	return out
}

// checkProject checks a result of examples/project, and its outputs as materialized in dir.
func checkProject(t *testing.T, r *result.Result, dir string) {
	t.Helper()
	if r.Status != result.Complete {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
	var got []string
	for _, e := range r.HashedFiles {
		got = append(got, fmt.Sprintf("%s %s", e.Kind, e.Path))
		if e.Kind == result.File || e.Kind == result.Hardlink {
			if sum := sha256Of(t, filepath.Join(dir, e.Path)); "sha256:"+sum != e.Hash.String() {
				t.Errorf("%s has digest %s, the result says %s", e.Path, sum, e.Hash)
			}
		}
	}
	wantList(t, "outputs", got, "file out/SUMS", "file out/index.html", "symlink out/latest", "dir out/pages",
		"file out/pages/about.html", "file out/pages/contact.html", "hardlink out/pages/welcome.html")
	wantList(t, "inputs", r.Inputs, "build.sh", "pages/about.txt", "pages/contact.txt", "pages/welcome.txt",
		"theme/footer.html", "theme/header.html", "title")
	wantList(t, "absent", r.Absent, "title.local")
	wantList(t, "listed", r.Listed, "pages")

	index, err := os.Stat(filepath.Join(dir, "out/index.html"))
	must(t, err)
	page, err := os.Stat(filepath.Join(dir, "out/pages/welcome.html"))
	must(t, err)
	if !os.SameFile(index, page) {
		t.Error("index.html and pages/welcome.html are two files")
	}
	if target, err := os.Readlink(filepath.Join(dir, "out/latest")); target != "pages" {
		t.Errorf("latest links to %q, %v", target, err)
	}
	if sums, err := os.Stat(filepath.Join(dir, "out/SUMS")); err != nil || sums.Mode() != 0o640 {
		t.Errorf("SUMS has mode %v, %v", sums.Mode(), err)
	}
}

func wantList[S ~string](t *testing.T, what string, got []S, want ...string) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a S, b string) bool { return string(a) == b }) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func sha256Of(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
