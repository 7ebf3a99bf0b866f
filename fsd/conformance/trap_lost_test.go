package conformance

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/result"
)

// A job that does not look at what close(2) says, as shells don't, gets no complete result with a file in it that is not
// what the job wrote. What was written again as a whole is no loss.
func TestTrapLostDataIsTold(t *testing.T) {
	onEachDriver(t, func(t *testing.T, driver string) {
		disk := smallDisk(t)
		in := inputs{"input": {content: "0123456789"}}
		p := &place{driver: driver, view: mountView(t, options{driver: driver, inputs: in, state: filepath.Join(disk, "state")})}
		p.dir = p.view.Dir
		write, closed := fillDisk(p.path("filler"))
		if write == nil && closed == nil {
			t.Fatal("the disk is not full")
		}
		content := bytes.Repeat([]byte("content "), 8<<10)
		for _, name := range []string{"new", "again", "replaced", "gone"} {
			_ = os.WriteFile(p.path(name), content, 0o644)
		}
		_ = appendTo(p.path("input"), "more")
		must(t, os.Rename(p.path("new"), p.path("renamed")))
		must(t, os.Remove(p.path("filler")))
		must(t, os.Remove(p.path("gone")))
		p.forget(t)
		must(t, os.WriteFile(p.path("again"), content, 0o644))
		must(t, os.WriteFile(p.path("good"), content, 0o644))
		must(t, os.Rename(p.path("good"), p.path("replaced")))

		p.view.incomplete = true
		r := p.result()
		var told []string
		for _, e := range r.Errors {
			path, _, _ := strings.Cut(e, ":")
			told = append(told, path)
		}
		slices.Sort(told)
		want, status := []string(nil), result.Complete
		if p.has(lateNoSpace) {
			want, status = []string{"input", "renamed"}, result.Partial
		}
		if r.Status != status || !slices.Equal(told, want) {
			t.Errorf("%s, errors %q, want %s for %q", r.Status, r.Errors, status, want)
		}
		for _, name := range []string{"again", "replaced"} {
			if f, ok := r.HashedFiles.Find(name); !ok || f.Size != int64(len(content)) {
				t.Errorf("%s: %+v", name, f)
			}
		}
	})
}
