package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// programs builds the benchmark and casview, once for all tests.
func programs(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the benchmark needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
	bin := t.TempDir()
	const module = "github.com/casview/casview"
	build := exec.Command("go", "build", "-buildvcs=false", "-o", bin+"/", module+"/cmd/casview",
		module+"/cmd/casview-hook", module+"/cmd/casview-fsd", module+"/hook/e2e/bench")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	return bin
}

// All rows work, with small sizes, but the first: it builds Go programs, which has no small size.
func TestQuick(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	var numbers []string
	for _, r := range rows()[1:] {
		numbers = append(numbers, (&rowSet{r.number}).String())
	}
	file := filepath.Join(dir, "bench.json")
	cmd := exec.Command(filepath.Join(bin, "bench"), "-quick", "-rounds", "1", "-dir", dir, "-json", file,
		"-rows", strings.Join(numbers, ","))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	must(t, err)
	var r report
	must(t, json.Unmarshal(b, &r))
	if r.Schema != schema || !r.Quick || r.Kernel == "" || r.Casview == "" {
		t.Errorf("report %+v", r)
	}
	for _, line := range r.Rows {
		if len(line.Figures) == 0 || line.Failed != "" || line.Kind != "absolute" && line.Native == nil {
			t.Errorf("row %d, %s: %+v", line.Row, line.What, line)
		}
		if !strings.Contains(string(out), line.What) {
			t.Errorf("row %d, %s: not in the table\n%s", line.Row, line.What, out)
		}
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// Where a row can't be measured there is no figure for it, and the program fails.
func TestFailure(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "runc"), []byte("#!/bin/sh\necho no containers today >&2\nexit 1\n"), 0o755))
	cmd := exec.Command(filepath.Join(bin, "bench"), "-quick", "-rounds", "1", "-dir", t.TempDir(), "-rows", "10,13")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v", err)
	}
	if !strings.Contains(stderr.String(), "row 10: native: runc: exit status 1: no containers today") {
		t.Errorf("stderr: %s", &stderr)
	}
	var failed []bool
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, " 1") {
			failed = append(failed, strings.Contains(line, "FAILED"))
		}
	}
	if !slices.Equal(failed, []bool{true, false}) {
		t.Errorf("the table is\n%s", out)
	}
}
