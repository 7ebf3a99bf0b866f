package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
)

// An input that was opened for writing can be written.
func TestTrapOpenInputForWriting(t *testing.T) {
	extras := []string{
		"", "|O_CREAT", "|O_APPEND", "|O_CREAT|O_APPEND", "|O_TRUNC", "|O_CREAT|O_TRUNC", "|O_TRUNC|O_APPEND",
	}
	in := inputs{"ro-trunc": {content: "input"}, "unchanged": {content: "input"}}
	var all []string
	for _, mode := range []string{"O_WRONLY", "O_RDWR"} {
		for _, extra := range extras {
			all = append(all, mode+extra)
			in[mode+extra] = input{content: "input", mode: 0o640}
		}
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		var outputs []string
		for _, flags := range all {
			h.ok("open", "f", flags, flags)
			h.ok("write", "f", "XY")
			want := "XYput"
			switch {
			case strings.Contains(flags, "O_TRUNC"):
				want = "XY"
			case strings.Contains(flags, "O_APPEND"):
				want = "inputXY"
			}
			if strings.Contains(flags, "O_RDWR") {
				h.says(want, "pread", "f", "0", "99")
			} else {
				h.fails(unix.EBADF, "pread", "f", "0", "99")
			}
			other.says(want, "content", flags)
			h.ok("close", "f")
			other.says(fmt.Sprintf("0640 %d", len(want)), "stat", flags, "mode", "size")
			outputs = append(outputs, flags+": "+want)
		}
		// Without a write, O_TRUNC is one.
		h.ok("open", "f", "ro-trunc", "O_WRONLY|O_TRUNC")
		other.says("", "content", "ro-trunc")
		h.ok("open", "g", "unchanged", "O_RDWR")
		h.ok("close", "g")
		other.says("input", "content", "unchanged")
		// unchanged may be an output or not: its content is the input's either way.
		if r := p.result(); r != nil {
			r.HashedFiles = slices.DeleteFunc(r.HashedFiles, func(e result.Entry) bool { return e.Path == "unchanged" })
		}
		p.wantResult(t, append(outputs, "ro-trunc: "))
	})
}

// Whoever may not write is told when the file is opened.
func TestTrapOpenIsRefused(t *testing.T) {
	in := inputs{
		"readonly": {content: "x", mode: 0o444}, "dir": {dir: true}, "link": {symlink: "readonly"}, "file": {content: "x"},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, rooted := p.hand(t, alice), p.hand(t, root)
		rooted.ok("put", "new", "x")
		for _, name := range []string{"readonly", "link", "file", "new"} {
			for _, flags := range []string{
				"O_WRONLY", "O_RDWR", "O_WRONLY|O_TRUNC", "O_RDONLY|O_TRUNC", "O_WRONLY|O_APPEND", "O_RDWR|O_CREAT",
			} {
				h.fails(unix.EACCES, "open", "f", name, flags)
			}
			h.says("x", "content", name)
		}
		for _, flags := range []string{"O_WRONLY", "O_RDWR", "O_RDONLY|O_CREAT", "O_WRONLY|O_TRUNC"} {
			rooted.fails(unix.EISDIR, "open", "f", "dir", flags)
		}
		rooted.fails(unix.ENOTDIR, "open", "f", "file", "O_RDONLY|O_DIRECTORY")
		rooted.fails(unix.ELOOP, "open", "f", "link", "O_RDWR|O_NOFOLLOW")
		rooted.fails(unix.ENOENT, "open", "f", "missing", "O_RDWR")
		rooted.fails(unix.ENOTDIR, "open", "f", "file/below", "O_RDWR|O_CREAT")
		rooted.ok("open", "f", "readonly", "O_WRONLY") // root may
		rooted.ok("write", "f", "y")
		p.wantResult(t, []string{"new: x", "readonly: y"})
	})
}

// O_EXCL is refused wherever a name is, and one of many wins.
func TestTrapExclusiveCreate(t *testing.T) {
	in := inputs{"input": {content: "x"}, "deleted": {content: "x"}, "dangling": {symlink: "nowhere"}, "dir": {dir: true}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		other.ok("put", "new", "x")
		for _, name := range []string{"input", "new", "dangling", "dir"} {
			h.fails(unix.EEXIST, "open", "f", name, "O_RDWR|O_CREAT|O_EXCL", "0600")
		}
		other.ok("unlink", "deleted")
		h.ok("open", "f", "deleted", "O_RDWR|O_CREAT|O_EXCL", "0600")
		h.says("0600 0", "stat", "deleted", "mode", "size")
		h.ok("put", "dangling", "through the link")
		h.says("through the link", "content", "nowhere")

		racers := []*hand{p.hand(t, root), p.hand(t, root), p.hand(t, root)}
		const names = 300
		for _, r := range racers {
			r.begin("claim", fmt.Sprint(names))
		}
		won := 0
		for _, r := range racers {
			a := r.finish()
			var n int
			if _, err := fmt.Sscan(a.Value, &n); err != nil || a.Errno != 0 {
				t.Errorf("claim: %s, %v", a, err)
			}
			won += n
		}
		if won != names {
			t.Errorf("%d of %d names were created exclusively", won, names)
		}
	})
}

// An input whose blob is not in the store can be replaced or deleted, but nobody gets it as something else.
//
// Overlayfs copies it up at open, which fails. With zero-message opens nothing is asked of a filesystem then: the error
// comes when the file is read, or at the latest when what was written is to go into a copy of what is missing.
func TestTrapInputWithoutBlob(t *testing.T) {
	lost := map[string]string{
		"read": "lost 1", "write": "lost 2", "part": "lost 3", "truncate": "lost 4", "delete": "lost 5", "replace": "lost 6",
	}
	in := inputs{"there": {content: "there"}}
	for name, content := range lost {
		in[name] = input{content: content}
	}
	atOpen := map[string]bool{"overlay": true}
	onEachView(t, func(t *testing.T, driver string) {
		view := mountView(t, options{driver: driver, inputs: in})
		for _, content := range lost {
			must(t, os.Remove(blobPath(t, view.store, content)))
		}
		p := &place{dir: view.Dir, driver: driver, view: view}
		h := p.hand(t, root)
		h.fails(unix.EIO, "content", "read")
		for _, name := range []string{"write", "part"} {
			steps := [][]string{{"open", "f", name, "O_RDWR"}, {"pwrite", "f", "1", "XY"}, {"fsync", "f"}, {"close", "f"}}
			if errno, at := firstError(h, steps); errno != unix.EIO || atOpen[driver] && at != "open" {
				t.Errorf("%s: %s at %s", name, unix.ErrnoName(errno), at)
			}
			h.fails(unix.EIO, "content", name)
		}
		h.fails(unix.EIO, "truncate", "part", "2")
		// What is not needed may be missing.
		h.ok("put", "truncate", "whole")
		h.ok("unlink", "delete")
		h.ok("put", "tmp", "new")
		h.ok("rename", "tmp", "replace")
		h.says("whole", "content", "truncate")
		h.says("there", "content", "there")
		view.incomplete = true
		r := p.result()
		if r.Status != result.Partial {
			t.Errorf("the result is %s", r.Status)
		}
		for _, name := range []string{"read", "write", "part"} {
			if !slices.ContainsFunc(r.Errors, func(s string) bool { return strings.Contains(s, name) }) {
				t.Errorf("the errors do not name %s: %q", name, r.Errors)
			}
			if e, ok := r.HashedFiles.Find(name); ok {
				t.Errorf("an output of what was never there: %+v", e)
			}
		}
		for _, name := range []string{"truncate", "replace"} {
			if _, ok := r.HashedFiles.Find(name); !ok {
				t.Errorf("%s is not in the result", name)
			}
		}
	})
}

// firstError does one call after the other until one fails, and names it.
func firstError(h *hand, steps [][]string) (unix.Errno, string) {
	for _, step := range steps {
		if a := h.do(step...); a.Errno != 0 {
			if step[0] != "close" && step[0] != "open" {
				h.do("close", "f")
			}
			return a.Errno, step[0]
		}
	}
	return 0, "none"
}

func blobPath(t *testing.T, store *cas.Local, content string) string {
	t.Helper()
	sum := sha256Hex([]byte(content))
	var found string
	must(t, filepath.WalkDir(store.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == sum {
			found = path
		}
		return err
	}))
	if found == "" {
		t.Fatal(errors.New("no blob of " + content))
	}
	return found
}
