package conformance

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// A job is not told that there is no room for what it stores to a mapping, where the kernel asks for room only when it
// writes back: then its result is not complete. What was written again as a whole is no loss.
func TestTrapLostDataIsTold(t *testing.T) {
	onEachDriver(t, func(t *testing.T, driver string) {
		disk := smallDisk(t)
		in := inputs{"input": {content: "0123456789"}}
		p := &place{driver: driver, view: mountView(t, options{driver: driver, inputs: in, state: filepath.Join(disk, "state")})}
		p.dir = p.view.Dir
		h := p.hand(t, root)
		holes := []string{"new", "again", "replaced", "gone"}
		for _, name := range holes {
			h.ok("put", name, "")
			h.ok("truncate", name, "65536")
		}
		if write, _ := fillDisk(p.path("filler")); write == nil {
			t.Fatal("the disk is not full")
		}
		for _, name := range append(holes, "input") {
			p.differs(t, noBusError, h.store(name) != 0)
		}
		must(t, os.Rename(p.path("new"), p.path("renamed")))
		must(t, os.Remove(p.path("filler")))
		must(t, os.Remove(p.path("gone")))
		p.forget(t)
		content := bytes.Repeat([]byte("content "), 8<<10)
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
		if p.has(noBusError) {
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

// store writes to a mapping of a file, and returns what the job is told before it closes it.
func (h *hand) store(name string) unix.Errno {
	h.t.Helper()
	if a := h.do("open", name, name, "O_RDWR"); a.Errno != 0 {
		return a.Errno
	}
	h.ok("map", name, "10", "rw", "SHARED")
	told := h.do("poke", name, "0", "stored").Errno
	h.ok("unmap", name)
	h.do("close", name) // which may tell, but few look
	return told
}
