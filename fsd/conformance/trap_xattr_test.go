package conformance

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// user.* attributes are kept on files and directories, inputs among them, through all that happens to their names.
func TestTrapUserXattrs(t *testing.T) {
	in := inputs{
		"input": {content: "input", mode: 0o644}, "dir/a": {content: "a"}, "link": {symlink: "input"},
		"untouched": {content: "x"},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("put", "new", "new")
		h.ok("mkdir", "new-dir", "0755")
		for _, name := range []string{"new", "input", "dir", "new-dir"} {
			before := h.ok("stat", name, "ino", "mode", "type")
			if !p.has(inputXattrs) || strings.HasPrefix(name, "new") {
				h.fails(unix.ENODATA, "getxattr", name, "user.x")
				h.fails(unix.ENODATA, "removexattr", name, "user.x")
				h.says("", "listxattr", name)
			}
			h.ok("setxattr", name, "user.x", "value")
			h.ok("setxattr", name, "user.empty", "")
			h.ok("setxattr", name, "user.bytes", "\x00\xff")
			other.says("value", "getxattr", name, "user.x")
			other.says("", "getxattr", name, "user.empty")
			other.says("\x00\xff", "getxattr", name, "user.bytes")
			other.says("user.bytes user.empty user.x", "listxattr", name)
			h.ok("setxattr", name, "user.x", "another", "XATTR_REPLACE")
			h.fails(unix.EEXIST, "setxattr", name, "user.x", "third", "XATTR_CREATE")
			h.fails(unix.ENODATA, "setxattr", name, "user.y", "third", "XATTR_REPLACE")
			h.ok("removexattr", name, "user.empty")
			h.fails(unix.ENODATA, "removexattr", name, "user.empty")
			h.ok("rename", name, name+"2")
			p.forget(t)
			other.says("another", "getxattr", name+"2", "user.x")
			other.says("user.bytes user.x", "listxattr", name+"2")
			other.says(before, "stat", name+"2", "ino", "mode", "type")
		}
		h.says("input", "content", "input2")
		h.says("a", "content", "dir2/a")
		h.ok("link", "input2", "input3")
		h.ok("put", "input3", "written")
		h.says("another", "getxattr", "input3", "user.x")

		h.fails(unix.EPERM, "setxattr", "link", "user.x", "v") // a symlink has no user.* attributes
		h.ok("symlink", "x", "new-link")
		h.fails(unix.EPERM, "setxattr", "new-link", "user.x", "v")
		h.fails(unix.EOPNOTSUPP, "setxattr", "new2", "nonsense.x", "v")
		h.fails(unix.ERANGE, "setxattr", "new2", "user."+strings.Repeat("n", 251), "v")
		h.fails(unix.E2BIG, "setxattr", "new2", "user.big", strings.Repeat("v", 64<<10+1))
		p.differs(t, inputXattrs, h.do("getxattr", "untouched", "user.x").Errno == unix.ENODATA)

		a := p.hand(t, alice)
		a.fails(unix.EACCES, "setxattr", "new2", "user.x", "v")
		a.says("another", "getxattr", "new2", "user.x")
		h.ok("chmod", "new2", "0600")
		a.fails(unix.EACCES, "getxattr", "new2", "user.x")
		p.wantResult(t, []string{
			"dir2/", "dir2/a: a", "input2: written", "input3 = input2", "new-dir2/", "new-link -> x", "new2: new",
		}, "dir", "dir/a", "input")
	})
}

// A job sees nothing of the marks in the staging tree and can't make any: what has a mark's name is an attribute like
// any other to it, or is refused.
func TestTrapMarksCannotBeForged(t *testing.T) {
	onEachDriver(t, func(t *testing.T, driver string) { marksCannotBeForged(t, driver) })
}

// In a user namespace the marks are user.*, which everybody may set.
func TestTrapMarksCannotBeForgedInUserNamespace(t *testing.T) {
	if inUserNamespace(t) {
		onEachDriver(t, func(t *testing.T, driver string) { marksCannotBeForged(t, driver) })
	}
}

func marksCannotBeForged(t *testing.T, driver string) {
	t.Helper()
	view := mountView(t, options{driver: driver, inputs: inputs{
		"dir/a": {content: "a"}, "dir/sub/b": {content: "b"}, "gone/a": {content: "a"}, "moved/a": {content: "a"},
		"elsewhere/e": {content: "e"},
		"file":        {content: "file"},
	}})
	p := &place{dir: view.Dir, driver: driver, view: view}
	h := p.hand(t, root)
	// Directories that carry real marks do not show them.
	removes(h, "gone/a", "gone/")
	h.ok("mkdir", "gone", "0755")
	h.ok("put", "gone/new", "new")
	// EXDEV is what overlayfs says in a user namespace.
	if a := h.do("rename", "moved", "moved2"); a.Errno != 0 && a.Errno != unix.EXDEV {
		t.Errorf("rename: %s", a)
	}
	h.ok("chmod", "dir", "0700")
	for _, dir := range []string{"gone", "moved2", "dir"} {
		if h.do("stat", dir).Errno == 0 {
			h.says("", "listxattr", dir)
		}
	}
	var kept []string
	for _, namespace := range []string{"user.overlay.", "trusted.overlay."} {
		for _, mark := range [][3]string{
			{"opaque", "y", "dir"}, {"opaque", "x", "dir"}, {"redirect", "/elsewhere", "dir"},
			{"redirect", "/elsewhere", "gone"},
			{"whiteout", "y", "file"}, {"metacopy", "", "file"}, {"origin", "nonsense", "file"}, {"impure", "y", "dir"},
			{"overlay.opaque", "y", "dir"},
		} {
			name := namespace + mark[0]
			switch a := h.do("setxattr", mark[2], name, mark[1]); a.Errno {
			case 0:
				kept = append(kept, name)
				h.says(mark[1], "getxattr", mark[2], name)
				h.ok("removexattr", mark[2], name)
				h.ok("setxattr", mark[2], name, mark[1])
			case unix.EPERM, unix.EOPNOTSUPP, unix.EACCES:
				if got := h.do("getxattr", mark[2], name); got.Errno == 0 {
					t.Errorf("%s was refused and is there: %s", name, got)
				}
			default:
				t.Errorf("setxattr %s: %s", name, a)
			}
		}
	}
	t.Logf("plain attributes to the job: %q", kept)
	h.fails(unix.EPERM, "mkchar", "whiteout") // a whiteout's device number
	p.forget(t)
	h.says("a sub", "list", "dir")
	h.says("b", "content", "dir/sub/b")
	h.says("new", "list", "gone")
	h.says("file", "content", "file")
	for _, path := range p.result().DeletedInputs {
		if path != "gone/a" && !strings.HasPrefix(string(path), "moved") {
			t.Errorf("%s counts as deleted", path)
		}
	}
}
