package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

func TestIngestPrintsTheRootAlone(t *testing.T) {
	s, dir := newSite(t), sources(t)
	out := s.ok("ingest", dir)
	if _, err := digest.Parse(strings.TrimSuffix(out, "\n")); err != nil {
		t.Errorf("stdout %q: %v", out, err)
	}
	if again := s.ok("ingest", dir); again != out {
		t.Errorf("got %q, then %q", out, again)
	}
}

func TestIngestJSON(t *testing.T) {
	s, dir := newSite(t), sources(t)
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := s.casview("ingest", "--json", dir)
	o.wantExit(t, exitOK, `warning: skipped fifo "pipe"`)
	var r struct {
		Root                                         cas.Digest
		Files, Dirs, Symlinks, Bytes, Hashed, Reused int64
		Skipped                                      []struct{ Path, Type, Reason string }
	}
	if err := json.Unmarshal([]byte(o.out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Root.IsZero() || r.Files != 3 || r.Dirs != 1 || r.Symlinks != 1 || r.Bytes != 13 || r.Hashed+r.Reused != 3 ||
		len(r.Skipped) != 1 || r.Skipped[0].Type != "fifo" || r.Skipped[0].Reason == "" {
		t.Errorf("got %+v", r)
	}
}

func TestIngestVisible(t *testing.T) {
	s, dir := newSite(t), sources(t)
	const one = `{"schema": "casview.inputs/v1", "visible": [{"path": "src/main.c"}]}`
	o := s.casviewWith(one, "ingest", dir, "--visible", "-")
	if o.code != 0 {
		t.Fatal(o.err)
	}
	if got := s.ok("tree", "ls", "-R", strings.TrimSpace(o.out)); got != "src/\nsrc/main.c\n" {
		t.Errorf("got %q", got)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	write(t, bad, strings.ReplaceAll(one, "main.c", "gone.c"))
	o = s.casview("ingest", dir, "--visible", bad)
	o.wantExit(t, exitFailure, "src/gone.c")
	if !strings.Contains(o.err, bad) {
		t.Errorf("the manifest is not named: %s", o.err)
	}
	s.casview("ingest", dir, "--visible", "/nowhere.json").wantExit(t, exitFailure, "/nowhere.json")
}

func TestIngestFailures(t *testing.T) {
	s := newSite(t)
	s.casview("ingest", "/nowhere").wantExit(t, exitFailure, "/nowhere")
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	s.casview("ingest", file).wantExit(t, exitFailure, file)
}

func TestIngestSkipsTheStateDirectory(t *testing.T) {
	s := newSite(t)
	write(t, filepath.Join(s.state, "runs", "x", "file"), "1")
	o := s.casview("ingest", filepath.Dir(s.state))
	o.wantExit(t, exitOK, `warning: skipped dir "state"`)
	write(t, filepath.Join(s.state, "runs", "y", "file"), "2")
	if again := s.casview("ingest", filepath.Dir(s.state)); again.out != o.out {
		t.Errorf("got %q, then %q", o.out, again.out)
	}
}

func TestIngestOfNoName(t *testing.T) {
	newSite(t).casview("ingest", "").wantExit(t, exitUsage, "DIR is empty: is a shell variable unset?")
}

func TestIngestIsInterrupted(t *testing.T) {
	s := newSite(t)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	call(stopped, "", "--config", s.config, "ingest", sources(t)).wantExit(t, exitFailure, "interrupted")
}
