package conformance

import (
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// team is a group that neither user has for its own.
const team = 61010

func (u user) in(groups ...int) user {
	u.groups = groups
	return u
}

func (u user) ids() (uid, gid string) { return strconv.Itoa(u.uid), strconv.Itoa(u.gid) }

// give makes a user the owner.
func (u user) give(h *hand, paths ...string) {
	h.t.Helper()
	uid, gid := u.ids()
	for _, path := range paths {
		h.ok("chown", path, uid, gid)
	}
}

// What root gives to somebody is theirs, for all processes and as long as the run lasts.
func TestTrapChownByRoot(t *testing.T) {
	in := inputs{"input": {content: "input", mode: 0o600}, "dir/a": {content: "a"}, "link": {symlink: "input"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, a := p.hand(t, root), p.hand(t, alice)
		h.ok("put", "new", "new")
		h.ok("chmod", "new", "0600")
		for _, name := range []string{"input", "new"} {
			a.fails(unix.EACCES, "content", name)
			alice.give(h, name)
			a.says(name, "content", name)
			a.ok("put", name, "alice's")
			h.says("61001 61001 0600 7", "stat", name, "uid", "gid", "mode", "size")
		}
		alice.give(h, "dir", "link")
		h.says("61001 61001 symlink", "stat", "link", "uid", "gid", "type")
		a.ok("put", "dir/made", "made")
		a.ok("unlink", "dir/a")
		h.says("61001 61001", "stat", "dir/made", "uid", "gid")
		h.ok("chown", "dir/made", "-1", "61002")
		h.says("61001 61002", "stat", "dir/made", "uid", "gid")
		h.ok("chown", "dir/made", "61002", "-1")
		h.ok("rename", "dir", "moved")
		h.ok("link", "moved/made", "linked")
		p.forget(t)
		for _, path := range []string{"moved/made", "linked"} {
			h.says("61002 61002", "stat", path, "uid", "gid")
		}
		h.says("61001", "stat", "moved", "uid")
		h.says("61001 0600", "stat", "input", "uid", "mode")
		p.wantResult(t, []string{
			"input: alice's", "link -> input", "linked: made", "moved/", "moved/made = linked", "new: alice's",
		}, "dir", "dir/a")
	})
}

// Inputs belong to the user that the view was made for, also when they are copied up, and what another user makes does
// not.
func TestTrapOwnerOfInputs(t *testing.T) {
	in := inputs{
		"dir/input": {content: "input", mode: 0o600}, "dir/other": {content: "x", mode: 0o600},
		"link": {symlink: "dir/input"}, "private": {dir: true, mode: 0o700}, "private/a": {content: "a"},
	}
	onEachView(t, func(t *testing.T, driver string) {
		view := mountView(t, options{driver: driver, inputs: in, edit: func(s *rundir.Spec) {
			s.Owner = rundir.Owner{UID: uint32(alice.uid), GID: uint32(alice.gid)}
		}})
		p := &place{dir: view.Dir, driver: driver, view: view}
		h, a, b := p.hand(t, root), p.hand(t, alice), p.hand(t, bob)
		owned := func(paths ...string) {
			t.Helper()
			for _, path := range paths {
				h.says("61001 61001", "stat", path, "uid", "gid")
			}
		}
		owned(".", "dir", "dir/input", "link", "private", "private/a")
		a.says("input", "content", "dir/input")
		b.fails(unix.EACCES, "content", "dir/input")
		b.fails(unix.EACCES, "list", "private")
		a.ok("put", "dir/input", "written")
		h.ok("put", "dir/other", "by root")
		h.ok("put", "dir/roots", "x")
		h.says("0 0", "stat", "dir/roots", "uid", "gid")
		a.ok("mkdir", "private/made", "0700")
		a.ok("rename", "private", "dir/private")
		a.ok("rename", "link", "dir/link")
		p.forget(t)
		owned("dir", "dir/input", "dir/other", "dir/link", "dir/private", "dir/private/a", "dir/private/made")
		b.fails(unix.EACCES, "content", "dir/input")
		a.fails(unix.EACCES, "put", "dir/roots", "y")
	})
}

// In a sticky directory everybody may make entries, and only their owner, the directory's and root may take them away.
func TestTrapStickyDirectory(t *testing.T) {
	in := inputs{"input": {dir: true, mode: 0o1777}, "input/roots": {content: "x", mode: 0o666}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, a, b := p.hand(t, root), p.hand(t, alice), p.hand(t, bob)
		h.ok("mkdir", "new", "0755")
		h.ok("put", "new/roots", "x")
		h.ok("chmod", "new", "1777")
		h.ok("chmod", "new/roots", "0666")
		for _, dir := range []string{"input/", "new/"} {
			h.says("1777", "stat", dir, "mode")
			a.ok("put", dir+"a", "alice's")
			a.ok("mkdir", dir+"a-dir", "0777")
			b.ok("put", dir+"b", "bob's")
			for _, name := range []string{"a", "roots"} {
				b.fails(unix.EPERM, "unlink", dir+name)
				b.fails(unix.EPERM, "rename", dir+name, dir+"taken")
				b.fails(unix.EPERM, "rename", dir+"b", dir+name)
				b.fails(unix.EPERM, "exchange", dir+"b", dir+name)
			}
			b.fails(unix.EPERM, "rmdir", dir+"a-dir")
			b.ok("put", dir+"roots", "bob may write")
			b.ok("rename", dir+"b", dir+"b2")
			b.ok("unlink", dir+"b2")
			a.ok("rename", dir+"a", dir+"a2")
			a.ok("rmdir", dir+"a-dir")
			h.ok("unlink", dir+"a2")
			// Whose the directory is may delete what is not theirs.
			alice.give(h, dir)
			b.ok("put", dir+"b", "bob's")
			a.ok("unlink", dir+"b")
			a.ok("unlink", dir+"roots")
			h.says("", "list", dir)
		}
		p.wantResult(t, []string{"new/"}, "input/roots")
	})
}

// A setgid directory gives its group to all that is made in it, and setgid to directories.
func TestTrapSetgidDirectory(t *testing.T) {
	in := inputs{"input": {dir: true, mode: 0o2777}, "input/sub/file": {content: "x"}, "plain": {dir: true, mode: 0o777}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, a, member := p.hand(t, root), p.hand(t, alice), p.hand(t, alice.in(team))
		h.ok("mkdir", "new", "0755")
		for _, dir := range []string{"input", "new"} {
			h.ok("chown", dir, "0", strconv.Itoa(team))
			h.ok("chmod", dir, "2777")
			a.ok("put", dir+"/file", "x")
			a.says("61001 61010 0644", "stat", dir+"/file", "uid", "gid", "mode")
			a.ok("mkdir", dir+"/dir", "0755")
			a.says("61001 61010 2755", "stat", dir+"/dir", "uid", "gid", "mode")
			a.ok("mkdir", dir+"/dir/deeper", "0700")
			a.says("61010 2700", "stat", dir+"/dir/deeper", "gid", "mode")
			a.ok("symlink", "x", dir+"/link")
			a.says("61010", "stat", dir+"/link", "gid")
			a.ok("mkfifo", dir+"/fifo", "0600")
			a.says("61010 0600", "stat", dir+"/fifo", "gid", "mode")
			a.ok("open", "f", dir, "O_RDWR|O_TMPFILE", "0600")
			a.says("61010", "fstat", "f", "gid")
			// Setgid on a program is for members of the group.
			a.ok("open", "f", dir+"/program", "O_WRONLY|O_CREAT", "2755")
			a.says("0755", "stat", dir+"/program", "mode")
			member.ok("open", "f", dir+"/program2", "O_WRONLY|O_CREAT", "2755")
			member.says("2755", "stat", dir+"/program2", "mode")
			// What comes from elsewhere keeps its group.
			a.ok("put", "plain/file", "x")
			a.ok("rename", "plain/file", dir+"/moved")
			a.says("61001", "stat", dir+"/moved", "gid")
		}
		a.ok("mkdir", "plain/dir", "0755")
		a.says("61001 0755", "stat", "plain/dir", "gid", "mode")
	})
}

// What is new has the mode that was asked for, less the umask.
func TestTrapUmask(t *testing.T) {
	onEachPlace(t, inputs{"dir/input": {content: "x", mode: 0o666}}, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		for _, c := range []struct{ umask, file, dir, all string }{
			{"0", "0666", "0777", "7777"}, {"022", "0644", "0755", "7755"}, {"027", "0640", "0750", "7750"},
			{"0777", "0000", "0000", "7000"},
		} {
			h.ok("umask", c.umask)
			for _, dir := range []string{"dir/", ""} {
				at := dir + c.umask
				h.ok("open", "f", at+"file", "O_RDWR|O_CREAT|O_EXCL", "0666")
				h.says(c.file, "stat", at+"file", "mode")
				h.ok("write", "f", "x") // whatever its mode is
				h.ok("open", "f", at+"all", "O_RDWR|O_CREAT|O_EXCL", "7777")
				h.says(c.all, "stat", at+"all", "mode")
				h.ok("mkdir", at+"dir", "0777")
				h.says(c.dir, "stat", at+"dir", "mode")
				h.ok("mkfifo", at+"fifo", "0666")
				h.says(c.file, "stat", at+"fifo", "mode")
				h.ok("symlink", "x", at+"link")
				h.says("0777", "stat", at+"link", "mode")
				h.ok("bind", "s", at+"socket")
				h.says(c.dir, "stat", at+"socket", "mode")
			}
		}
		h.ok("umask", "0777")
		h.ok("chmod", "dir/input", "0653")
		h.ok("put", "dir/input", "written")
		h.says("0653", "stat", "dir/input", "mode")
	})
}
