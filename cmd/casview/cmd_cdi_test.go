package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/hook/cdi"
)

func TestCDI(t *testing.T) {
	s, dir := newSite(t), filepath.Join(t.TempDir(), "cdi")
	src := sources(t)
	root := s.ingest(src)
	args := []string{"cdi", "--spec-dir", dir, "--name", "sources", "--target", "/work", "--output", "bin/**", "--output", "*.log", "--inputs"}
	for _, inputs := range []string{root, src} {
		o := s.process(append(args, inputs)...)
		if o.code != 0 || o.out != "casview.io/inputs=sources\n" {
			t.Fatalf("exit %d, %q, %q", o.code, o.out, o.err)
		}
	}
	if o := s.process("cdi", "--spec-dir", dir, "--name", "a", "--inputs", root); o.code != 0 {
		t.Fatal(o.err)
	}
	var got []deviceLine
	if err := json.Unmarshal([]byte(s.ok("cdi", "list", "--spec-dir", dir, "--json")), &got); err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	file := filepath.Join(dir, "casview.io-inputs_sources.json")
	d := got[1]
	if d.Name != "sources" || d.Device != "casview.io/inputs=sources" || d.Inputs != root || d.Target != "/work" ||
		strings.Join(d.Outputs, " ") != "bin/** *.log" || d.Config != s.config || d.File != file {
		t.Errorf("%+v", d)
	}
	list := s.ok("cdi", "list", "--spec-dir", dir)
	if lines := strings.Split(list, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[2], "casview.io/inputs=sources  "+root+"  /work") {
		t.Errorf("%s", list)
	}
	if o := s.casview("__complete", "cdi", "remove", "--spec-dir", dir, ""); !strings.HasPrefix(o.out, "a\nsources\n:4\n") {
		t.Errorf("completion: %q", o.out)
	}
	if o := s.casview("__complete", "cdi", "--spec-dir", dir, "--name", ""); !strings.HasPrefix(o.out, "a\nsources\n:4\n") {
		t.Errorf("completion: %q", o.out)
	}
	s.ok("cdi", "remove", "sources", "a", "--spec-dir", dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if got := s.ok("cdi", "list", "--spec-dir", dir, "--json"); got != "[]\n" {
		t.Errorf("%q", got)
	}
}

func TestCDIFailures(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	root := s.ingest(sources(t))
	path := cdi.Dir(dir).Path("mine")
	write(t, path, "{}")
	good := func(more ...string) []string {
		return append([]string{"cdi", "--spec-dir", dir, "--inputs", root, "--name"}, more...)
	}
	s.process(good("mine")...).wantExit(t, exitFailure, path+": is there and is not what casview wrote")
	s.process("cdi", "remove", "mine", "--spec-dir", dir).wantExit(t, exitFailure, path)
	s.process("cdi", "remove", "gone", "--spec-dir", dir).wantExit(t, exitFailure, "no device gone in "+dir)
	s.process(good("a", "--target", "/etc")...).wantExit(t, exitFailure, "not in view.allowed_targets")
	s.process("cdi", "--spec-dir", dir, "--inputs", "sha256:"+strings.Repeat("7", 64), "--name", "a").wantExit(t, exitFailure, "sha256:7777")
	if b, err := os.ReadFile(path); err != nil || string(b) != "{}" {
		t.Errorf("the file of somebody else holds %q, %v", b, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}
