package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run feeds the report with the events of real tests.
func run(t *testing.T, source string) (out string, ok bool) {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{"go.mod": "module example.com/x\n", "x_test.go": source} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-json", "./...")
	cmd.Dir = dir
	events, _ := cmd.Output() // fails where the tests are meant to fail
	var b strings.Builder
	r := newReport(&b)
	for line := range strings.Lines(string(events)) {
		r.line([]byte(strings.TrimSpace(line)))
	}
	ok = r.finish()
	return b.String(), ok
}

func expect(t *testing.T, out string, ok, wantOK bool, want ...string) {
	t.Helper()
	if ok != wantOK {
		t.Errorf("passed: %t", ok)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("%q is missing in:\n%s", w, out)
		}
	}
}

func TestReportCountsAndGivesReasons(t *testing.T) {
	out, ok := run(t, `package x
import "testing"
func TestGood(t *testing.T) { t.Log("chatter") }
func TestSkipped(t *testing.T) { t.Skip("no /dev/fuse: needs root") }
func TestSilent(t *testing.T) { t.SkipNow() }
`)
	expect(t, out, ok, true, "ok    example.com/x", "TestSkipped: no /dev/fuse: needs root\n",
		"TestSilent: no reason given\n", "tests: 1 passed, 0 failed, 2 skipped\n")
	if strings.Contains(out, "chatter") {
		t.Errorf("output of a passed test:\n%s", out)
	}
}

func TestReportShowsFailures(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"failed test": {`t.Run("sub", func(t *testing.T) { t.Error("why it failed") })`, "why it failed"},
		"panic":       {`panic("boom")`, "boom"},
		"exit":        {`os.Stdout.WriteString("last words\n"); os.Exit(3)`, "last words"},
		"no build":    {`undefined()`, "undefined: undefined"},
	} {
		t.Run(name, func(t *testing.T) {
			out, ok := run(t, "package x\nimport (\"os\"; \"testing\")\nvar _ = os.Exit\nfunc TestBad(t *testing.T) {"+c.body+"}\n")
			expect(t, out, ok, false, c.want, "FAIL  example.com/x", "failed:\n")
		})
	}
}

func TestReportOfNothingIsAFailure(t *testing.T) {
	var b strings.Builder
	if newReport(&b).finish() {
		t.Error("no event at all passed")
	}
}

func TestReportOfAnInterruptedRunIsAFailure(t *testing.T) {
	var b strings.Builder
	r := newReport(&b)
	for _, e := range []event{{Action: "start", Package: "p"}, {Action: "pass", Package: "p", Test: "T"}} {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		r.line(line)
	}
	expect(t, b.String(), r.finish(), false)
	if !strings.Contains(b.String(), "p (did not end)") {
		t.Errorf("got:\n%s", &b)
	}
}
