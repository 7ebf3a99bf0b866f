package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
)

// endedRun is a run with two outputs that are hardlinks, one symlink and one input that it modified.
func (s site) endedRun(name string, status result.Status) {
	s.t.Helper()
	store, err := openStore(filepath.Join(s.state, "store"), "sha256")
	if err != nil {
		s.t.Fatal(err)
	}
	defer store.Close()
	blob, err := store.PutBytes([]byte("object"))
	if err != nil {
		s.t.Fatal(err)
	}
	d, lock := s.newRun(name)
	defer lock.Close()
	r := result.Result{Status: status, HashedFiles: result.Files{
		{Path: "bin/a", Kind: result.Hardlink, Target: "bin/b", Hash: blob, Size: 6, Mode: 0o755, MtimeSec: 5, MtimeNsec: 7},
		{Path: "bin/b", Kind: result.File, Hash: blob, Size: 6, Mode: 0o755, MtimeSec: 5, MtimeNsec: 7},
		{Path: "latest", Kind: result.Symlink, Target: "bin/a", Mode: 0o777},
	}}
	if status != result.Complete {
		r.Errors = []string{"c.o: disk full"}
	}
	s.end(d, r)
}

func TestMaterializeARun(t *testing.T) {
	s := newSite(t)
	s.endedRun("job", result.Complete)
	dir := filepath.Join(t.TempDir(), "out")
	if out := s.ok("materialize", "job", dir); out != "" {
		t.Errorf("stdout: %q", out)
	}
	var a, b unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, "bin/a"), &a); err != nil {
		t.Fatal(err)
	}
	if err := unix.Stat(filepath.Join(dir, "latest"), &b); err != nil {
		t.Fatal(err)
	}
	if a.Ino != b.Ino || a.Nlink != 2 || a.Mode&0o7777 != 0o755 || a.Mtim.Sec != 5 || a.Mtim.Nsec != 7 {
		t.Errorf("got %+v and %+v", a, b)
	}
	only := filepath.Join(t.TempDir(), "only")
	s.ok("materialize", "job", only, "--only", "lat*")
	if got := listing(t, only); got != "latest" {
		t.Errorf("--only: got %s", got)
	}
}

func TestMaterializeATree(t *testing.T) {
	s := newSite(t)
	root, dir := s.ingest(sources(t)), filepath.Join(t.TempDir(), "out")
	s.ok("materialize", root, dir)
	if got := s.ingest(dir); got != root {
		t.Errorf("%s came out as %s: %s", root, got, listing(t, dir))
	}
	// A run may have the name of a digest.
	hex := strings.TrimPrefix(root, "sha256:")
	s.endedRun(hex, result.Complete)
	run := filepath.Join(t.TempDir(), "run")
	s.ok("materialize", hex, run)
	if got := listing(t, run); got != "bin latest" {
		t.Errorf("got %s", got)
	}
}

func TestMaterializeExitCodes(t *testing.T) {
	s := newSite(t)
	dir := filepath.Join(t.TempDir(), "out")
	s.endedRun("partial", result.Partial)
	s.endedRun("failed", result.Failed)
	s.newRun("live")
	s.casview("materialize", "partial", dir).wantExit(t, exitPartial, "c.o: disk full: --partial takes what is there")
	s.casview("materialize", "failed", dir, "--partial").wantExit(t, exitFailed, "has no outputs")
	s.casview("materialize", "live", dir).wantExit(t, exitNotEnded, "is live")
	s.casview("materialize", "gone", dir).wantExit(t, exitNoRun, `no run "gone", and it is no digest`)
	s.casview("materialize", cas.Sum(cas.SHA256, []byte("?")).String(), dir).wantExit(t, exitFailure, "casview ingest")
	s.casview("materialize", "partial", dir, "--only", "[").wantExit(t, exitUsage, "not a valid glob")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a refused materialize made the directory")
	}
	s.casview("materialize", "partial", dir, "--partial").wantExit(t, exitOK, "run partial is partial: c.o: disk full")
	if got := listing(t, dir); got != "bin latest" {
		t.Errorf("--partial: got %s", got)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
