package conformance

import (
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// rightsInputs are files of root's with different modes, below a directory that everybody may search.
func rightsInputs() inputs {
	in := inputs{}
	for _, mode := range []uint32{0o600, 0o604, 0o640, 0o644, 0o622, 0o666, 0o755} {
		in["in/"+strconv.FormatUint(uint64(mode), 8)] = input{content: "x", mode: mode}
	}
	for _, mode := range []uint32{0o700, 0o711, 0o744, 0o755, 0o777} {
		dir := "in/d" + strconv.FormatUint(uint64(mode), 8)
		in[dir] = input{dir: true, mode: mode}
		in[dir+"/file"] = input{content: "x", mode: 0o666}
	}
	return in
}

// rightsPlaces makes a new directory like the inputs', and runs fn for both.
func rightsPlaces(t *testing.T, fn func(t *testing.T, p *place, h *hand, dir string)) {
	t.Helper()
	in := rightsInputs()
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("mkdir", "new", "0755")
		for _, path := range in.paths() {
			made := "new" + path[len("in"):]
			if in[path].dir {
				h.ok("mkdir", made, "0755")
			} else {
				h.ok("put", made, "x")
				h.ok("chmod", made, strconv.FormatUint(uint64(in[path].mode), 8))
			}
		}
		for _, path := range in.paths() {
			if in[path].dir {
				h.ok("chmod", "new"+path[len("in"):], strconv.FormatUint(uint64(in[path].mode), 8))
			}
		}
		for _, dir := range []string{"in/", "new/"} {
			fn(t, p, h, dir)
		}
	})
}

// Reading, writing and searching are the mode's to allow, for everybody but root.
func TestTrapRightsOfOthers(t *testing.T) {
	rightsPlaces(t, func(t *testing.T, p *place, h *hand, dir string) {
		a := p.hand(t, alice)
		for _, c := range []struct {
			file        string
			read, write unix.Errno
		}{
			{"600", unix.EACCES, unix.EACCES}, {"640", unix.EACCES, unix.EACCES}, {"604", 0, unix.EACCES},
			{"644", 0, unix.EACCES},
			{"622", unix.EACCES, 0}, {"666", 0, 0},
		} {
			path := dir + c.file
			for _, call := range [][]string{{"content", path}, {"open", "f", path, "O_RDONLY"}, {"access", path, "4"}} {
				a.fails(c.read, call...)
				h.fails(0, call...)
			}
			for _, call := range [][]string{
				{"open", "f", path, "O_WRONLY"}, {"open", "f", path, "O_WRONLY|O_TRUNC"}, {"truncate", path, "0"},
				{"access", path, "2"},
				{"touch", path, "now"}, {"setxattr", path, "user.x", "v"},
			} {
				a.fails(c.write, call...)
				h.fails(0, call...)
			}
			a.fails(unix.EACCES, "run", path)
			h.fails(unix.EACCES, "run", path) // root needs one x, too
		}
		for _, c := range []struct {
			dir                    string
			list, search, make, rm unix.Errno
		}{
			{"d700", unix.EACCES, unix.EACCES, unix.EACCES, unix.EACCES}, {"d711", unix.EACCES, 0, unix.EACCES, unix.EACCES},
			{"d744", 0, unix.EACCES, unix.EACCES, unix.EACCES}, {"d755", 0, 0, unix.EACCES, unix.EACCES}, {"d777", 0, 0, 0, 0},
		} {
			path := dir + c.dir
			a.fails(c.list, "list", path)
			a.fails(c.search, "stat", path+"/file")
			a.fails(c.search, "content", path+"/file")
			a.fails(c.search, "chdir", path)
			a.ok("chdir", p.climb(a))
			a.fails(c.make, "put", path+"/made", "x")
			a.fails(c.make, "mkdir", path+"/made-dir", "0755")
			a.fails(c.make, "symlink", "x", path+"/made-link")
			a.fails(c.make, "mkfifo", path+"/made-fifo", "0600")
			a.fails(c.rm, "rename", path+"/file", path+"/moved")
			a.fails(c.rm, "unlink", path+"/"+map[bool]string{true: "moved", false: "file"}[c.rm == 0])
		}
		a.fails(unix.EACCES, "rmdir", dir+"d777")
		a.fails(unix.EACCES, "put", dir+"made", "x")
	})
}

// climb is the way back to the place for a process that may have changed its directory by one step: it never leaves it.
func (p *place) climb(h *hand) string {
	if h.do("stat", "in").Errno == 0 {
		return "."
	}
	return "../.."
}

// Only the owner changes a mode or times, only root gives away.
func TestTrapRightsOfOwners(t *testing.T) {
	rightsPlaces(t, func(t *testing.T, p *place, h *hand, dir string) {
		a, member := p.hand(t, alice), p.hand(t, alice.in(team))
		for _, name := range []string{"666", "d777"} {
			path := dir + name
			a.fails(unix.EPERM, "chmod", path, "0777")
			a.fails(unix.EPERM, "chown", path, "61001", "-1")
			a.fails(unix.EPERM, "chown", path, "-1", "61001")
			a.fails(unix.EPERM, "touch", path, "1")
			a.ok("touch", path, "now") // who may write may do that
		}
		mine := dir + "644"
		alice.give(h, mine)
		a.ok("chmod", mine, "0604")
		a.ok("touch", mine, "1")
		a.ok("chown", mine, "61001", "61001") // to whom it belongs already
		a.fails(unix.EPERM, "chown", mine, "61002", "-1")
		a.fails(unix.EPERM, "chown", mine, "-1", strconv.Itoa(team))
		member.ok("chown", mine, "-1", strconv.Itoa(team))
		h.says("61001 61010 0604", "stat", mine, "uid", "gid", "mode")

		// The group's rights are those of members, whatever others have.
		shared := dir + "640"
		member.fails(unix.EACCES, "content", shared)
		h.ok("chown", shared, "-1", strconv.Itoa(team))
		member.says("x", "content", shared)
		a.fails(unix.EACCES, "content", shared)
		member.fails(unix.EACCES, "open", "f", shared, "O_WRONLY")
		h.ok("chmod", shared, "0604")
		member.fails(unix.EACCES, "content", shared)
		a.says("x", "content", shared)
	})
}

// A mode of 0 keeps everybody out but root, and nobody who is in already.
func TestTrapModeZero(t *testing.T) {
	in := inputs{"dir": {dir: true, mode: 0o777}, "dir/input": {content: "x", mode: 0}, "dir/other": {content: "x"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, a := p.hand(t, root), p.hand(t, alice)
		a.ok("put", "dir/new", "x")
		alice.give(h, "dir/input")
		for _, name := range []string{"dir/input", "dir/new"} {
			a.ok("chmod", name, "0600")
			a.ok("open", name, name, "O_RDWR")
			a.ok("chmod", name, "0")
			a.fails(unix.EACCES, "content", name)
			a.fails(unix.EACCES, "open", "f", name, "O_WRONLY")
			h.says("x", "content", name)
			h.ok("put", name, "root's")
			a.ok("pwrite", name, "0", "R")
			a.says("Root's", "pread", name, "0", "9")
			a.ok("ftruncate", name, "4")
			a.ok("fsync", name)
			h.says("0000 4", "stat", name, "mode", "size")
			a.ok("chmod", name, "0400")
			a.says("Root", "content", name)
			a.fails(unix.EACCES, "open", "f", name, "O_WRONLY")
		}
		// Who creates a file writes to it by the descriptor that made it, as git and install do with mode 0444.
		for _, mode := range []string{"0", "0444", "0200"} {
			name := "dir/made" + mode
			a.ok("open", "f", name, "O_RDWR|O_CREAT|O_EXCL", mode)
			a.ok("write", "f", "written")
			a.says("written", "pread", "f", "0", "9")
			a.ok("close", "f")
			h.says("written", "content", name)
		}
		// A directory that is closed behind somebody.
		a.ok("mkdir", "dir/sub", "0700")
		a.ok("open", "d", "dir/sub", "O_RDONLY|O_DIRECTORY")
		a.ok("put", "dir/sub/file", "x")
		a.ok("chmod", "dir/sub", "0")
		a.fails(unix.EACCES, "list", "dir/sub")
		a.fails(unix.EACCES, "stat", "dir/sub/file")
		a.says("0000", "fstat", "d", "mode")
		h.says("file", "list", "dir/sub")
		p.wantResult(t, []string{
			"dir/input: Root", "dir/new: Root", "dir/made0: written", "dir/made0200: written", "dir/made0444: written",
			"dir/sub/", "dir/sub/file: x",
		})
	})
}

// Who writes to a program takes setuid and setgid from it, and so does who gives it away.
func TestTrapSetuidIsCleared(t *testing.T) {
	in := inputs{"input": {content: "program"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, a, b := p.hand(t, root), p.hand(t, alice), p.hand(t, bob)
		h.ok("put", "new", "program")
		for _, name := range []string{"input", "new"} {
			reset := func(mode string) {
				alice.give(h, name)
				h.ok("chmod", name, mode)
				h.says(mode, "stat", name, "mode")
			}
			for _, c := range []struct {
				by   *hand
				call []string
			}{
				{a, []string{"put", name, "other"}}, {b, []string{"put", name, "other"}}, {a, []string{"truncate", name, "3"}},
				{b, []string{"truncate", name, "2"}}, {h, []string{"chown", name, "61002", "-1"}},
				{h, []string{"chown", name, "-1", "61002"}},
				{h, []string{"chown", name, "61001", "61001"}},
			} {
				reset("6777")
				c.by.ok(c.call...)
				h.says("0777", "stat", name, "mode")
			}
			reset("6777")
			b.ok("open", "f", name, "O_RDWR")
			b.ok("pwrite", "f", "0", "P")
			h.says("0777", "stat", name, "mode")
			b.ok("ftruncate", "f", "9")

			reset("6777") // root has CAP_FSETID, but the kernel asks for the first user namespace's
			h.ok("put", name, "root's")
			if inUserNamespaceNow() {
				h.says("0777", "stat", name, "mode")
			} else {
				h.says("6777", "stat", name, "mode")
			}
			reset("6777") // nor is a store to a mapping a write
			for _, by := range []*hand{h, a, b} {
				by.ok("open", "m", name, "O_RDWR")
				by.ok("map", "m", "6", "rw", "SHARED")
				by.ok("poke", "m", "0", "r")
				by.ok("unmap", "m")
				by.ok("fsync", "m")
				by.ok("close", "m")
				h.says("6777", "stat", name, "mode")
			}
			reset("6777") // to read, or to open for writing, is not to write
			b.says("root's", "content", name)
			b.ok("open", "f", name, "O_RDWR")
			h.says("6777", "stat", name, "mode")
			reset("2767") // setgid without x for the group stays when a member writes
			a.ok("put", name, "alice's")
			h.says("2767", "stat", name, "mode")
			b.ok("open", "f", name, "O_RDWR")
			b.ok("pwrite", "f", "0", "R")
			p.differs(t, setgidWithoutExecute, h.ok("stat", name, "mode") == "0767")
			h.ok("chown", name, "61001", "61010")
			a.ok("chmod", name, "2777") // setgid is for a group that one is in
			h.says("0777", "stat", name, "mode")
		}
		h.ok("mkdir", "dir", "0755")
		h.ok("chmod", "dir", "6755")
		alice.give(h, "dir")
		h.says("6755", "stat", "dir", "mode")
	})
}
