package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTreeLs(t *testing.T) {
	s := newSite(t)
	root := s.ingest(sources(t))
	cases := []struct{ args, want string }{
		{"", "empty\n\"odd\\n\\xff\"\nsrc/\n"},
		{"-R", "empty\n\"odd\\n\\xff\"\nsrc/\nsrc/link.c\nsrc/main.c\n"},
		{"src", "link.c\nmain.c\n"},
		{"/src/", "link.c\nmain.c\n"},
		{"./src", "link.c\nmain.c\n"},
		{"src/main.c", "main.c\n"},
	}
	for _, c := range cases {
		args := append([]string{"tree", "ls", root}, strings.Fields(c.args)...)
		if got := s.ok(args...); got != c.want {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
	long := s.ok("tree", "ls", "-l", root, "src")
	if !strings.HasPrefix(long, "Lrwxrwxrwx ") || !strings.Contains(long, " - link.c -> main.c\n-rw-r--r-- ") {
		t.Errorf("got %q", long)
	}
}

// What ls prints as JSON is a manifest of the same tree.
func TestTreeLsJSONIsAManifest(t *testing.T) {
	s := newSite(t)
	root := s.ingest(sources(t))
	manifest := s.ok("tree", "ls", "-R", "--json", root)
	o := s.casviewWith(manifest, "tree", "import", "-")
	if o.code != 0 {
		t.Fatal(o.err)
	}
	if again := s.ok("tree", "ls", "-R", "--json", strings.TrimSpace(o.out)); again != manifest {
		t.Errorf("got %s\nwant %s", again, manifest)
	}
	empty := s.ok("tree", "ls", "--json", s.ingest(t.TempDir()))
	var v struct{ Visible []any }
	if err := json.Unmarshal([]byte(empty), &v); err != nil || v.Visible == nil || len(v.Visible) != 0 {
		t.Errorf("an empty tree: %q, %v", empty, err)
	}
}

func TestTreeLsFailures(t *testing.T) {
	s := newSite(t)
	root := s.ingest(sources(t))
	s.casview("tree", "ls", root, "src/gone.c").wantExit(t, exitFailure, `no path "src/gone.c"`)
	s.casview("tree", "ls", root, "empty/x").wantExit(t, exitFailure, "not a directory")
	unknown := "sha256:" + strings.Repeat("0", 64)
	s.casview("tree", "ls", unknown).wantExit(t, exitFailure, unknown)
}
