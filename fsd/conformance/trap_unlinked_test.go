package conformance

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// An open file lives on without a name: whole, writable, and without a trace in its directory or the result.
func TestTrapUnlinkedOpenFile(t *testing.T) {
	in := inputs{"dir/read": {content: "read"}, "dir/written": {content: "written"}, "dir/replaced": {content: "replaced"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("open", "new", "dir/new", "O_RDWR|O_CREAT")
		h.ok("write", "new", "new")
		h.ok("open", "read", "dir/read", "O_RDONLY")
		h.ok("open", "written", "dir/written", "O_RDWR")
		h.ok("open", "replaced", "dir/replaced", "O_RDWR")
		for _, name := range []string{"new", "read", "written"} {
			other.ok("unlink", "dir/"+name)
			if nlink := h.ok("fstat", name, "nlink"); name == "read" {
				p.differs(t, deletedInputLinks, nlink == "0")
			} else if nlink != "0" {
				t.Errorf("%s has %s links", name, nlink)
			}
			h.says(name, "pread", name, "0", "99")
		}
		other.ok("put", "tmp", "another")
		other.ok("rename", "tmp", "dir/replaced")
		h.says("0", "fstat", "replaced", "nlink")
		h.says("replaced", "pread", "replaced", "0", "99")
		other.says("replaced", "list", "dir")
		other.says("another", "content", "dir/replaced")
		p.crowd(other)

		for _, name := range []string{"new", "written", "replaced"} {
			h.ok("pwrite", name, "0", "AB")
			h.ok("ftruncate", name, "3")
			h.says("AB"+name[2:3], "pread", name, "0", "99")
			h.says("0 3", "fstat", name, "nlink", "size")
			h.ok("fsync", name)
			h.ok("map", name, "3", "rw", "SHARED")
			h.ok("poke", name, "0", "xyz")
			h.says("xyz", "pread", name, "0", "99")
		}
		other.ok("put", "dir/new", "second")
		h.says("xyz", "pread", "new", "0", "99")
		other.says("second", "content", "dir/new")
		other.says("new replaced", "list", "dir")
		p.wantUpper(t, "dir", "dir/new", "dir/read", "dir/replaced", "dir/written")
		// A process that is killed with such files leaves nothing.
		h.kill()
		other.says("new replaced", "list", "dir")
		p.wantResult(t, []string{"dir/new: second", "dir/replaced: another"}, "dir/read", "dir/written")
	})
}

// wantUpper requires that the staging tree has no names but these. On the host there is none.
func (p *place) wantUpper(t *testing.T, want ...string) {
	t.Helper()
	if p.view == nil {
		return
	}
	var got []string
	must(t, walk(os.DirFS(p.view.Upper), func(path string) { got = append(got, path) }))
	for _, path := range got {
		if !slices.Contains(want, path) {
			t.Errorf("%s is in the staging tree", path)
		}
	}
}

// A directory that is open and removed is empty for ever.
func TestTrapRemovedDirectory(t *testing.T) {
	in := inputs{"input/a": {content: "a"}, "input/sub/b": {content: "b"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		other := p.hand(t, root)
		other.ok("mkdir", "new", "0755")
		other.ok("put", "new/a", "a")
		other.ok("mkdir", "new/sub", "0755")
		other.ok("put", "new/sub/b", "b")
		for _, name := range []string{"input", "new"} {
			h := p.hand(t, root)
			h.ok("open", "d", name, "O_RDONLY|O_DIRECTORY")
			h.ok("chdir", name)
			removes(other, name+"/sub/b", name+"/sub/", name+"/a", name+"/")
			nlink := h.ok("fstat", "d", "nlink")
			h.says(nlink, "stat", ".", "nlink")
			if name == "input" {
				p.differs(t, deletedInputLinks, nlink == "0")
			} else if nlink != "0" {
				t.Errorf("%s has %s links", name, nlink)
			}
			h.fails(unix.ENOENT, "list", ".")
			h.fails(unix.ENOENT, "getcwd")
			h.fails(unix.ENOENT, "stat", "a")
			h.fails(unix.ENOENT, "open", "f", "a", "O_RDWR|O_CREAT", "0644")
			h.fails(unix.ENOENT, "mkdir", "again", "0755")
			h.fails(unix.ENOENT, "symlink", "x", "again")
			h.fails(unix.ENOENT, "link", "../kept", "again")
			h.ok("chmod", ".", "0700")
			h.says("0700", "fstat", "d", "mode")
			other.ok("mkdir", name, "0755")
			h.fails(unix.ENOENT, "list", ".")
			h.ok("chdir", "..")
			h.says("", "list", name)
			other.ok("rmdir", name)
		}
		p.wantResult(t, nil, "input", "input/a", "input/sub", "input/sub/b")
	})
}

// Who stands in a directory, or has it open, goes with it when it moves, and can carry things out of it before it goes.
func TestTrapMovedWorkingDirectory(t *testing.T) {
	in := inputs{"input/sub/a": {content: "a"}, "input/sub/b": {content: "b"}, "input/c": {content: "c"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		other := p.hand(t, root)
		other.ok("mkdir", "new", "0755")
		other.ok("mkdir", "new/sub", "0755")
		other.ok("put", "new/sub/a", "a")
		other.ok("put", "new/sub/b", "b")
		for _, name := range []string{"input", "new"} {
			h := p.hand(t, root)
			h.ok("open", "top", ".", "O_RDONLY|O_DIRECTORY")
			h.ok("chdir", name+"/sub")
			h.ok("open", "d", ".", "O_RDONLY|O_DIRECTORY")
			other.ok("rename", name, name+"-moved")
			other.ok("mkdir", name, "0755") // another one has the name now
			h.says("a b", "list", ".")
			h.says("a", "content", "a")
			h.ok("put", "made", "made")
			other.says("a b made", "list", name+"-moved/sub")
			other.says("", "list", name)
			other.ok("rename", name+"-moved/sub", "sub-of-"+name)
			h.ok("renameat", "d", "a", "top", "a-of-"+name)
			h.ok("rename", "b", "../b-of-"+name)
			h.ok("rename", "made", "../made-of-"+name)
			other.ok("rmdir", "sub-of-"+name)
			h.fails(unix.ENOENT, "renameat", "top", "a-of-"+name, "d", "back")
			h.fails(unix.ENOENT, "rename", "../b-of-"+name, "back")
			h.says("b", "content", "../b-of-"+name)
			if got := other.ok("content", "a-of-"+name) + other.ok("content", "made-of-"+name); got != "amade" {
				t.Errorf("contents %q", got)
			}
		}
		p.wantResult(t, []string{
			"input/", "input-moved/", "input-moved/c: c", "new/", "new-moved/",
			"a-of-input: a", "b-of-input: b", "made-of-input: made", "a-of-new: a", "b-of-new: b", "made-of-new: made",
		}, "input/c", "input/sub", "input/sub/a", "input/sub/b")
	})
}

// A file that never had a name has none, and gets one by link().
func TestTrapTmpfile(t *testing.T) {
	in := inputs{"dir/input": {content: "input"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("open", "f", "dir", "O_RDWR|O_TMPFILE", "0640")
		h.ok("write", "f", "no name")
		h.says("0 7", "fstat", "f", "nlink", "size")
		h.says("input", "list", "dir")
		h.fails(unix.EEXIST, "linkfd", "f", "dir/input")
		h.ok("linkfd", "f", "dir/named")
		h.says("1 0640", "stat", "dir/named", "nlink", "mode")
		h.ok("linkfd", "f", "second")
		h.ok("write", "f", ", then two")
		h.says("no name, then two", "content", "second")
		h.ok("open", "never", "dir", "O_RDWR|O_TMPFILE|O_EXCL", "0600")
		h.fails(unix.ENOENT, "linkfd", "never", "dir/never")
		h.ok("open", "left", ".", "O_WRONLY|O_TMPFILE", "0600")
		h.ok("write", "left", "nobody sees this")
		h.says("dir second", "list", ".")
		p.wantUpper(t, "dir", "dir/named", "second")
		h.kill()
		p.wantResult(t, []string{"dir/named: no name, then two", "second = dir/named"})
	})
}

// An unlinked file has no way back into a directory.
func TestTrapLinkOfUnlinkedFile(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "input"}}, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("put", "new", "new")
		for _, name := range []string{"input", "new"} {
			h.ok("open", name, name, "O_RDWR")
			h.ok("write", name, strings.ToUpper(name))
			h.ok("unlink", name)
			h.fails(unix.ENOENT, "linkfd", name, "again")
			p.crowd(h)
			h.ok("write", name, ".")
			h.says(strings.ToUpper(name)+".", "pread", name, "0", "99")
		}
		h.says("", "list", ".")
		p.wantResult(t, nil, "input")
	})
}
