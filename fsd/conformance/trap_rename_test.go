package conformance

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A directory never replaces one that has entries, whichever layers the two are in.
func TestTrapRenameOntoFullDirectory(t *testing.T) {
	in := inputs{
		"from-input/a": {content: "a"}, "to-input/b": {content: "b"}, "to-changed/gone": {content: "gone"},
		"to-emptied/gone": {content: "gone"},
		"to-empty":        {dir: true}, "sub/from-input/a": {content: "a"}, "file": {content: "file"},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("mkdir", "from-new", "0755")
		h.ok("put", "from-new/a", "new a")
		h.ok("mkdir", "to-new", "0755")
		h.ok("put", "to-new/b", "new b")
		h.ok("unlink", "to-changed/gone")
		h.ok("put", "to-changed/b", "added")
		for _, from := range []string{"from-input", "from-new", "sub/from-input"} {
			for _, to := range []string{"to-input", "to-new", "to-changed"} {
				h.fails(unix.ENOTEMPTY, "rename", from, to)
				h.says("a", "list", from)
				h.says("b", "list", to)
			}
			h.fails(unix.ENOTDIR, "rename", from, "file")
			h.fails(unix.EISDIR, "rename", "file", from)
			h.fails(unix.EINVAL, "rename", from, from+"/in-itself")
		}
		h.says("new a", "content", "from-new/a")
		h.says("b", "content", "to-input/b")

		// One that has none is replaced, and what was once in it does not come back.
		h.ok("unlink", "to-emptied/gone")
		h.ok("rename", "from-input", "to-emptied")
		h.ok("rename", "from-new", "to-empty")
		h.says("a", "list", "to-emptied")
		h.says("a", "content", "to-emptied/a")
		h.says("new a", "content", "to-empty/a")
		h.fails(unix.ENOENT, "stat", "from-input")
		p.wantResult(t, []string{
			"to-changed/b: added", "to-emptied/", "to-emptied/a: a", "to-empty/", "to-empty/a: new a", "to-new/",
			"to-new/b: new b",
		}, "from-input", "from-input/a", "to-changed/gone", "to-emptied/gone")
	})
}

// An input directory is at its new place at once and whole, and its old names are free.
func TestTrapRenameInputDirectory(t *testing.T) {
	in := inputs{
		"dir/a": {content: "a"}, "dir/sub/b": {content: "b"}, "dir/sub/deep/c": {content: "c"},
		"dir/sub/deep/d": {content: "d"},
		"dir/link":       {symlink: "sub/b"}, "into/e": {content: "e"},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		other.says("b", "content", "dir/sub/b")
		other.ok("open", "kept", "dir/sub/b", "O_RDONLY")
		inode := h.ok("stat", "dir/sub", "ino")
		h.ok("rename", "dir", "into/moved")
		for _, old := range []string{"dir", "dir/a", "dir/link", "dir/sub", "dir/sub/b", "dir/sub/deep/c"} {
			other.fails(unix.ENOENT, "stat", old)
			h.fails(unix.ENOENT, "open", "x", old, "O_RDONLY")
		}
		h.says("into", "list", ".")
		h.says("a link sub", "list", "into/moved")
		h.says("b", "content", "into/moved/link")
		h.says("c", "content", "into/moved/sub/deep/c")
		h.says(inode, "stat", "into/moved/sub", "ino")
		other.says("b", "pread", "kept", "0", "9")

		p.crowd(h)
		h.ok("put", "into/moved/sub/b", "b changed")
		h.ok("unlink", "into/moved/sub/deep/c")
		h.ok("put", "into/moved/sub/deep/new", "new")
		h.says("d new", "list", "into/moved/sub/deep")
		other.says("b changed", "content", "into/moved/sub/b")

		// The old name again, with less in it; and a part of the moved directory elsewhere.
		h.ok("mkdir", "dir", "0755")
		h.says("", "list", "dir")
		h.fails(unix.ENOENT, "stat", "dir/sub")
		h.ok("mkdir", "dir/sub", "0755")
		h.says("", "list", "dir/sub")
		h.ok("rename", "into/moved/sub/deep", "dir/deep")
		h.says("d new", "list", "dir/deep")
		h.fails(unix.ENOENT, "stat", "into/moved/sub/deep")
		h.says("d", "content", "dir/deep/d")
		other.ok("close", "kept")
		p.wantResult(t, []string{
			"dir/", "dir/deep/", "dir/deep/d: d", "dir/deep/new: new", "dir/sub/",
			"into/moved/", "into/moved/a: a", "into/moved/link -> sub/b", "into/moved/sub/", "into/moved/sub/b: b changed",
		}, "dir/a", "dir/link", "dir/sub/b", "dir/sub/deep", "dir/sub/deep/c", "dir/sub/deep/d")
	})
}

// A name that comes back to where it was is what it was.
func TestTrapRenameInCircle(t *testing.T) {
	in := inputs{"A/x": {content: "x"}, "A/sub/y": {content: "y"}, "file": {content: "file", mode: 0o640}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		before := h.ok("stat", "A/sub/y", "ino", "mode", "nlink")
		for _, c := range [][3]string{{"A", "B", "C"}, {"file", "file2", "file3"}} {
			h.ok("rename", c[0], c[1])
			h.fails(unix.ENOENT, "stat", c[0])
			h.ok("rename", c[1], c[2])
			h.fails(unix.ENOENT, "stat", c[1])
			h.ok("rename", c[2], c[0])
			h.fails(unix.ENOENT, "stat", c[2])
		}
		p.crowd(h)
		h.says("A file", "list", ".")
		h.says("sub x", "list", "A")
		h.says(before, "stat", "A/sub/y", "ino", "mode", "nlink")
		h.says("y", "content", "A/sub/y")
		h.says("file", "content", "file")
		h.says("0640", "stat", "file", "mode")
		// Three directories that go round each take the next one's name.
		for _, name := range []string{"one", "two", "three"} {
			h.ok("mkdir", name, "0755")
			h.ok("put", name+"/"+name, name)
		}
		h.ok("rename", "one", "spare")
		h.ok("rename", "two", "one")
		h.ok("rename", "three", "two")
		h.ok("rename", "spare", "three")
		h.says("two", "list", "one")
		h.says("three", "list", "two")
		h.says("one", "list", "three")
	})
}

// Two names of one file stay two names: rename does nothing.
func TestTrapRenameOntoOwnLink(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "input"}}, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("put", "new", "new")
		for _, name := range []string{"input", "new"} {
			h.ok("link", name, name+"2")
			h.ok("rename", name, name+"2")
			h.says("2", "stat", name, "nlink")
			h.ok("rename", name, name)
			h.says(name, "content", name+"2")
		}
		h.says("input input2 new new2", "list", ".")
	})
}

func TestTrapRenameFlags(t *testing.T) {
	in := inputs{
		"dir/a": {content: "a"}, "dir/sub/b": {content: "b"}, "file": {content: "file"}, "other/c": {content: "c"},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("put", "new", "new")
		h.ok("mkdir", "made", "0755")
		h.ok("put", "made/m", "m")
		for _, to := range []string{"file", "dir", "made", "new"} {
			h.fails(unix.EEXIST, "noreplace", "other", to)
			h.fails(unix.EEXIST, "noreplace", "new", to)
		}
		h.fails(unix.ENOENT, "exchange", "file", "missing")
		h.fails(unix.ENOENT, "exchange", "missing", "file")
		h.fails(unix.EINVAL, "exchange", "dir", "dir/sub")
		h.fails(unix.EINVAL, "exchange", "dir/sub", "dir")

		h.ok("exchange", "dir", "file") // an input directory and an input file
		h.says("file", "content", "dir")
		h.says("b", "content", "file/sub/b")
		h.ok("exchange", "file/a", "new") // an input in a moved directory and a new file
		h.says("new", "content", "file/a")
		h.says("a", "content", "new")
		h.ok("exchange", "made", "other") // two directories
		h.says("c", "list", "made")
		h.says("m", "list", "other")
		p.crowd(h)
		h.ok("put", "dir", "file")
		h.ok("put", "new", "a")
		h.ok("put", "file/a", "new")
		h.says("m", "content", "other/m")
		h.ok("exchange", "made/c", "other")
		h.says("c", "content", "other")
		h.says("m", "content", "made/c/m")
		h.ok("noreplace", "made", "made2")
		h.says("dir file made2 new other", "list", ".")
		// The input directory other is at made2 now, with made in the place of its only entry.
		p.wantResult(t, []string{
			"dir: file", "file/", "file/a: new", "file/sub/", "file/sub/b: b", "made2/", "made2/c/", "made2/c/m: m", "new: a",
			"other: c",
		}, "dir/a", "dir/sub", "dir/sub/b", "other/c")
	})
}
