package view_test

import (
	"strings"
	"testing"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/view"
)

// A tree that names one directory twice, in each of forty levels, has a million million paths and takes a few kilobytes.
func TestTreeOfEndlessPathsIsBounded(t *testing.T) {
	f := newFixture(t)
	d := &tree.Directory{Mode: 0o755}
	for range 40 {
		message := d.Encode()
		digest, err := f.store.PutBytes(message)
		if err != nil {
			t.Fatal(err)
		}
		again := tree.Entry{Kind: tree.Dir, Digest: digest, Size: int64(len(message))}
		d = &tree.Directory{Mode: 0o755}
		for _, name := range []string{"a", "b"} {
			again.Name = name
			d.Entries = append(d.Entries, again)
		}
	}
	root, err := f.store.PutBytes(d.Encode())
	if err != nil {
		t.Fatal(err)
	}
	m := mountRoot(t, f.store, root, mountOptions{view: view.Options{MaxPaths: 1000}})
	found := strings.Count(sh(t, `find "$1" 2> /dev/null || true`, m.dir), "\n")
	if found < 100 || found > 1001 {
		t.Errorf("%d paths, want at most 1000 and the root", found)
	}
	faults := m.trace().Faults
	if len(faults) == 0 || !strings.Contains(faults[0].Cause, "more than 1000 paths in one view (policy.max_inputs)") {
		t.Errorf("faults %+v", faults)
	}
}
