package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/result"
)

// wantResult ends the view and compares what its result says of outputs and deleted inputs. An output is spelled
// "path: content", "path/" for a directory, "path -> target" for a symlink, "path = path" for a hard link. On the
// host there is no result.
func (p *place) wantResult(t *testing.T, outputs []string, deleted ...string) {
	t.Helper()
	r := p.result()
	if r == nil {
		return
	}
	got := make([]string, len(r.HashedFiles))
	for i, e := range r.HashedFiles {
		got[i] = p.spell(t, e)
	}
	wantLines(t, "outputs", got, outputs)
	gone := make([]string, len(r.DeletedInputs))
	for i, path := range r.DeletedInputs {
		gone[i] = string(path)
	}
	wantLines(t, "deleted inputs", gone, deleted)
}

func (p *place) spell(t *testing.T, e result.Entry) string {
	t.Helper()
	switch e.Kind {
	case result.Dir:
		return e.Path + "/"
	case result.Symlink:
		return e.Path + " -> " + e.Target
	case result.Hardlink:
		return e.Path + " = " + e.Target
	default:
		b, err := p.view.store.ReadBlob(e.Hash, 1<<20)
		must(t, err)
		return fmt.Sprintf("%s: %s", e.Path, b)
	}
}

func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n\t%s\nexpected:\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
