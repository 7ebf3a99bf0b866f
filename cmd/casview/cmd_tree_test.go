package main

import (
	"strings"
	"testing"
)

func TestTreeImport(t *testing.T) {
	s := newSite(t)
	s.ingest(sources(t))
	// sha256 of "int main;\n", known to the store
	const manifest = `{"schema": "casview.inputs/v1", "visible": [{"path": "a/b.c", "hash": "HASH", "mode": 384, "mtime_sec": 7, "mtime_nsec": 5}]}`
	hash := strings.Fields(s.ok("tree", "ls", "-l", s.ingest(sources(t)), "src/main.c"))[3]
	o := s.casviewWith(strings.ReplaceAll(manifest, "HASH", hash), "tree", "import", "-")
	if o.code != 0 {
		t.Fatal(o.err)
	}
	want := "-rw-------           10 1970-01-01T00:00:07.000000005Z " + hash + " b.c\n"
	if got := s.ok("tree", "ls", "-l", strings.TrimSpace(o.out), "a"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTreeImportFailures(t *testing.T) {
	s := newSite(t)
	s.casview("tree", "import", "/nowhere.json").wantExit(t, exitFailure, "/nowhere.json")
	s.casviewWith(`{"schema": "casview.inputs/v1", "visible": [{"path": "../a", "type": "dir"}]}`, "tree", "import", "-").
		wantExit(t, exitFailure, `stdin: entry 1 "../a"`)
	zero := strings.Repeat("0", 64)
	s.casviewWith(`{"schema": "casview.inputs/v1", "visible": [{"path": "a", "hash": "`+zero+`"}]}`, "tree", "import", "-").
		wantExit(t, exitFailure, `entry 1 "a"`)
}
