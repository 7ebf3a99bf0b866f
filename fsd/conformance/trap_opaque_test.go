package conformance

import (
	"testing"

	"golang.org/x/sys/unix"
)

// An input directory that was deleted, and what is made in its place.
func TestTrapDirectoryMadeAgain(t *testing.T) {
	in := inputs{
		"dir/a": {content: "a"}, "dir/sub/b": {content: "b"}, "dir2/a": {content: "a"}, "dir2/sub/b": {content: "b"},
		"file": {content: "file"}, "link": {symlink: "dir2"},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		other.says("a sub", "list", "dir")
		removes(h, "dir/sub/b", "dir/sub/", "dir/a", "dir/")
		other.fails(unix.ENOENT, "list", "dir")

		h.ok("mkdir", "dir", "0700")
		other.says("", "list", "dir")
		other.fails(unix.ENOENT, "stat", "dir/a")
		other.fails(unix.ENOENT, "stat", "dir/sub")
		h.says("0700", "stat", "dir", "mode")
		h.ok("mkdir", "dir/sub", "0755")
		other.says("", "list", "dir/sub")
		h.ok("put", "dir/a", "another a")
		other.says("a sub", "list", "dir")
		other.says("another a", "content", "dir/a")
		h.ok("unlink", "dir/a")
		other.fails(unix.ENOENT, "stat", "dir/a")

		removes(h, "dir/sub/", "dir/")
		h.ok("put", "dir", "a file now")
		other.fails(unix.ENOTDIR, "stat", "dir/a")
		other.says("a file now", "content", "dir")
		h.ok("unlink", "dir")
		h.ok("mkdir", "dir", "0755")
		other.says("", "list", "dir")

		// A file and a symlink that become directories.
		removes(h, "file", "link")
		h.ok("mkdir", "file", "0755")
		h.ok("put", "file/in", "in")
		h.ok("mkdir", "link", "0755")
		other.says("", "list", "link")
		other.says("a sub", "list", "dir2")
		p.wantResult(t, []string{"dir/", "file/", "file/in: in", "link/"}, "dir/a", "dir/sub", "dir/sub/b")
	})
}

// removes unlinks each path, or removes the directory if it ends in a slash.
func removes(h *hand, paths ...string) {
	h.t.Helper()
	for _, path := range paths {
		if path[len(path)-1] == '/' {
			h.ok("rmdir", path[:len(path)-1])
		} else {
			h.ok("unlink", path)
		}
	}
}

// A directory is not removed while anything is in it, and what is deleted one layer down does not count.
func TestTrapRemoveDirectory(t *testing.T) {
	in := inputs{"dir/a": {content: "a"}, "dir/b": {content: "b"}, "empty": {dir: true}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.fails(unix.ENOTEMPTY, "rmdir", "dir")
		h.fails(unix.EISDIR, "unlink", "dir")
		h.fails(unix.ENOTDIR, "rmdir", "dir/a")
		h.ok("unlink", "dir/a")
		h.ok("put", "dir/c", "c")
		h.ok("unlink", "dir/b")
		h.fails(unix.ENOTEMPTY, "rmdir", "dir")
		h.ok("rename", "dir/c", "c")
		h.ok("rmdir", "dir")
		h.ok("rmdir", "empty")
		h.fails(unix.ENOENT, "rmdir", "empty")
		h.fails(unix.ENOENT, "put", "dir/again", "x")
		h.says("c", "list", ".")
		p.wantResult(t, []string{"c: c"}, "dir", "dir/a", "dir/b", "empty")
	})
}
