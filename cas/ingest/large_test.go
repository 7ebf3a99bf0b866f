package ingest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/casview/casview/cas/tree"
)

// TestLargeFilesAreKnown shows that a tree that was ingested can be mounted with its large files passed through.
func TestLargeFilesAreKnown(t *testing.T) {
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, 0, map[string]string{"d/large": "", "d/small": "x"})
	if err := os.Truncate(filepath.Join(dir, "d/large"), tree.LargeSize); err != nil {
		t.Fatal(err)
	}
	got := tree.LoadLarge(s, run(t, s, dir, Options{}).Root)
	if len(got) != 1 || got[0].Path != "d/large" || got[0].Size != tree.LargeSize {
		t.Errorf("known: %+v", got)
	}
}
