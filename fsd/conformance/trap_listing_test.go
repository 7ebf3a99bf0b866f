package conformance

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// manyInputs are files in one directory.
func manyInputs(dir string, n int) inputs {
	in := inputs{}
	for i := range n {
		in[fmt.Sprintf("%s/in%d", dir, i)] = input{content: "x"}
	}
	return in
}

// What is in a directory all the time is listed once in each listing, and what is listed can be looked at.
func TestTrapListedCanBeStated(t *testing.T) {
	in := manyInputs("dir", 200)
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		var stays []string
		for i := range 100 {
			stays = append(stays, fmt.Sprintf("in%d", 100+i), fmt.Sprintf("new%d", i))
		}
		h.ok("fill", "dir", "100")
		others := []*hand{p.hand(t, root), p.hand(t, root)}
		for round := range 5 {
			for i, other := range others {
				other.begin("churn", "dir", fmt.Sprint(round*len(others)+i), "300")
			}
			for range 10 {
				for _, e := range listStable(t, p.path("dir"), stays) {
					var st unix.Stat_t
					err := unix.Lstat(p.path("dir/"+e.name), &st)
					// Between the two calls another process may have deleted it.
					if err != nil && (err != unix.ENOENT || slices.Contains(stays, e.name)) {
						t.Errorf("%s is listed: %v", e.name, err)
					}
				}
			}
			for _, other := range others {
				if a := other.finish(); a.Errno != 0 {
					t.Fatalf("churn: %s", a)
				}
			}
			p.wantListing(t, "dir")
		}
		p.forget(t)
		p.wantListing(t, "dir")
	})
}

// listStable lists a directory in small pieces and requires all names that stay once, and no name twice.
func listStable(t *testing.T, path string, stays []string) []dirent {
	t.Helper()
	fd, err := openDir(path)
	must(t, err)
	defer unix.Close(fd)
	var all []dirent
	seen := map[string]int{}
	for buf := make([]byte, 1024); ; {
		some, err := readDirents(fd, buf)
		must(t, err)
		if len(some) == 0 {
			break
		}
		for _, e := range some {
			seen[e.name]++
		}
		all = append(all, some...)
	}
	for _, name := range stays {
		if seen[name] != 1 {
			t.Errorf("%s is listed %d times", name, seen[name])
		}
	}
	return all
}

// wantListing requires, while nobody changes a directory, that what is listed is there with that inode and type,
// once, and that nothing else can be found.
func (p *place) wantListing(t *testing.T, dir string) {
	t.Helper()
	entries, err := listDir(p.path(dir))
	must(t, err)
	seen := map[string]bool{}
	for _, e := range entries {
		var st unix.Stat_t
		if err := unix.Lstat(p.path(dir+"/"+e.name), &st); err != nil {
			t.Errorf("%s/%s is listed: %v", dir, e.name, err)
		} else if e.name != ".." && st.Ino != e.ino {
			t.Errorf("%s/%s is listed as inode %d, and is %d", dir, e.name, e.ino, st.Ino)
		} else if e.kind != unix.DT_UNKNOWN && uint32(e.kind) != st.Mode>>12&15 {
			t.Errorf("%s/%s is listed as type %d, and has mode %o", dir, e.name, e.kind, st.Mode)
		}
		if seen[e.name] {
			t.Errorf("%s/%s is listed twice", dir, e.name)
		}
		seen[e.name] = true
	}
	for i := range 400 {
		for _, name := range []string{fmt.Sprintf("in%d", i), fmt.Sprintf("churn%d", i)} {
			var st unix.Stat_t
			if err := unix.Lstat(p.path(dir+"/"+name), &st); err == nil && !seen[name] {
				t.Errorf("%s/%s is there and not listed", dir, name)
			}
		}
	}
}

// . and .. are the directory and its parent, wherever it has moved.
func TestTrapDots(t *testing.T) {
	in := inputs{"a/b/c/file": {content: "x"}, "elsewhere/file": {content: "x"}, "a/b2/file": {content: "x"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("mkdir", "new", "0755")
		h.ok("mkdir", "new/sub", "0755")
		all := []string{"a", "a/b", "a/b/c", "elsewhere", "new", "new/sub", "a/b2"}
		for _, dir := range all {
			if !p.dotDotIsRight(t, dir) {
				t.Errorf("%s: the inode listed for .. is another", dir)
			}
		}
		h.ok("chdir", "a/b/c")
		other := p.hand(t, root)
		other.ok("rename", "a/b", "new/moved")
		other.ok("rename", "new/sub", "elsewhere/sub")
		other.ok("put", "a/b2/made", "x")
		stale := 0
		for _, dir := range []string{"a", "new", "new/moved", "new/moved/c", "elsewhere/sub", "a/b2"} {
			if !p.dotDotIsRight(t, dir) {
				stale++
			}
		}
		p.differs(t, keptDotDot, stale == 0)
		h.says(other.ok("stat", "new", "ino"), "stat", "../..", "ino")
		h.ok("chdir", "../..")
		h.says("moved", "list", ".")
		p.forget(t)
		for _, dir := range []string{"a", "new", "new/moved", "new/moved/c", "elsewhere/sub", "a/b2"} {
			if !p.dotDotIsRight(t, dir) && !p.has(keptDotDot) {
				t.Errorf("%s: the inode listed for .. is another", dir)
			}
		}
	})
}

// dotDotIsRight requires that stat knows a directory and its parent by . and .., and that a listing names the same
// inode for the directory. It tells whether it does so for the parent.
func (p *place) dotDotIsRight(t *testing.T, dir string) bool {
	t.Helper()
	at := p.dir + "/" + dir
	entries, err := listDir(at)
	must(t, err)
	listed := map[string]uint64{}
	for _, e := range entries {
		if e.dots() {
			listed[e.name] = e.ino
		}
	}
	inode := func(path string) uint64 {
		var st unix.Stat_t
		must(t, unix.Lstat(path, &st))
		return st.Ino
	}
	self, parent := inode(at), inode(filepath.Dir(at))
	if inode(at+"/.") != self || inode(at+"/..") != parent || listed["."] != self {
		t.Errorf("%s: inodes %d and %d by . and .., . is listed as %d; expected %d and %d",
			dir, inode(at+"/."), inode(at+"/.."), listed["."], self, parent)
	}
	return listed[".."] == parent
}

// Whoever counts subdirectories by st_nlink, as find does, must not miss any: the count is right, or 1 for "unknown".
func TestTrapDirectoryLinks(t *testing.T) {
	in := inputs{
		"in/a/x/file": {content: "x"}, "in/b/file": {content: "x"}, "in/c": {dir: true}, "in/file": {content: "x"},
		"empty": {dir: true},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		check := func(after string) {
			t.Helper()
			for _, dir := range []string{".", "in", "in/a", "in/b", "in/c", "empty", "new", "new/sub"} {
				if h.do("stat", dir).Errno != 0 {
					continue
				}
				entries, err := listDir(p.path(dir))
				must(t, err)
				subdirs := 0
				for _, e := range entries {
					if !e.dots() && h.ok("stat", dir+"/"+e.name, "type") == "dir" {
						subdirs++
					}
				}
				if n := h.ok("stat", dir, "nlink"); n != "1" && n != fmt.Sprint(2+subdirs) {
					t.Errorf("after %s: %s has %s links and %d subdirectories", after, dir, n, subdirs)
				}
			}
			got := h.ok("run", "/usr/bin/find", ".", "-type", "f")
			if want := h.ok("run", "/usr/bin/find", ".", "-noleaf", "-type", "f"); got != want {
				t.Errorf("after %s: find finds\n%s, with -noleaf\n%s", after, got, want)
			}
		}
		check("nothing")
		for _, call := range [][]string{
			{"mkdir", "in/d", "0755"}, {"mkdir", "new", "0755"}, {"mkdir", "new/sub", "0755"}, {"put", "new/sub/file", "x"},
			{"mkdir", "empty/sub", "0755"},
			{"rename", "in/a", "new/a"}, {"rmdir", "in/c"}, {"rename", "new/sub", "in/c"}, {"exchange", "in/b", "new"},
			{"unlink", "in/file"}, {"mkdir", "in/file", "0755"},
			{"rename", "in/d", "empty/sub"}, {"rmdir", "empty/sub"},
		} {
			h.ok(call...)
			check(strings.Join(call, " "))
		}
	})
}
