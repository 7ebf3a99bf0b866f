package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCat(t *testing.T) {
	s := newSite(t)
	root := s.ingest(sources(t))
	if got := s.ok("cat", root, "src/main.c"); got != "int main;\n" {
		t.Errorf("got %q", got)
	}
	if got := s.ok("cat", root, "empty"); got != "" {
		t.Errorf("got %q", got)
	}
	s.casview("cat", root, "src").wantExit(t, exitFailure, "is a directory")
	s.casview("cat", root, "src/link.c").wantExit(t, exitFailure, `is a symlink to "main.c"`)
	s.casview("cat", root, "gone").wantExit(t, exitFailure, `no path "gone"`)
}

func TestCatOfADamagedBlob(t *testing.T) {
	s := newSite(t)
	root := s.ingest(sources(t))
	hash := strings.Fields(s.ok("tree", "ls", "-l", root, "src/main.c"))[3]
	hex := strings.TrimPrefix(hash, "sha256:")
	blob := filepath.Join(s.state, "store", "blobs", "sha256", hex[:2], hex)
	if err := os.Chmod(blob, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, blob, "INT MAIN;\n")
	s.casview("cat", root, "src/main.c").wantExit(t, exitFailure, hash)
}
