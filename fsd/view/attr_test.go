package view_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/view"
)

// stat returns what another process sees at path, which must exist.
func stat(t testing.TB, path string) unix.Stat_t {
	t.Helper()
	got := user(t, call{Op: "stat", Path: []byte(path)})[0]
	if got.Errno != "" {
		t.Fatalf("stat %q: %s", path, got.Errno)
	}
	var st unix.Stat_t
	if err := json.Unmarshal(got.Out, &st); err != nil {
		t.Fatal(err)
	}
	return st
}

func TestAttributesComeFromTheTree(t *testing.T) {
	f := newFixture(t)
	f.fileWith("file", "12345", 0o640, 1735689600, 123456789)
	f.fileWith("setuid", strings.Repeat("x", 513), 0o6755, 0, 0)
	f.fileWith("before 1970", "x", 0o444, -14182940, 5)
	f.fileWith("mode 0000", "x", 0, 253402300799, 999999999)
	f.add("link", tree.Entry{Kind: tree.Symlink, Target: "to/nowhere", MtimeSec: 7, MtimeNsec: 8})
	f.add("dir", tree.Entry{Kind: tree.Dir, Mode: 0o1750, MtimeSec: 9, MtimeNsec: 10})
	f.dir("dir/sub1")
	f.dir("dir/sub2/deep")
	f.file("dir/file", "x")
	f.add("", tree.Entry{Kind: tree.Dir, Mode: 0o701, MtimeSec: 11, MtimeNsec: 12})
	owner := view.Options{UID: 1234, GID: 5678}
	if !mapped(t, owner.UID) {
		owner = view.Options{}
	}
	m := f.mountWith(mountOptions{view: owner})

	cases := []struct {
		path    string
		mode    uint32
		size    int64
		mtime   unix.Timespec
		nlink   uint64
		sectors int64
	}{
		{"file", unix.S_IFREG | 0o640, 5, unix.Timespec{Sec: 1735689600, Nsec: 123456789}, 1, 1},
		{"setuid", unix.S_IFREG | 0o6755, 513, unix.Timespec{}, 1, 2},
		{"before 1970", unix.S_IFREG | 0o444, 1, unix.Timespec{Sec: -14182940, Nsec: 5}, 1, 1},
		{"mode 0000", unix.S_IFREG, 1, unix.Timespec{Sec: 253402300799, Nsec: 999999999}, 1, 1},
		{"link", unix.S_IFLNK | 0o777, 10, unix.Timespec{Sec: 7, Nsec: 8}, 1, 1},
		{"dir", unix.S_IFDIR | 0o1750, 0, unix.Timespec{Sec: 9, Nsec: 10}, 4, 0},
		{"dir/sub1", unix.S_IFDIR | 0o755, 0, unix.Timespec{}, 2, 0},
		{"dir/sub2", unix.S_IFDIR | 0o755, 0, unix.Timespec{}, 3, 0},
		{"", unix.S_IFDIR | 0o701, 0, unix.Timespec{Sec: 11, Nsec: 12}, 3, 0},
	}
	for _, c := range cases {
		t.Run(c.path, func(t *testing.T) {
			st := stat(t, m.path(c.path))
			if st.Mode != c.mode || st.Size != c.size || st.Mtim != c.mtime || st.Nlink != c.nlink || st.Blocks != c.sectors {
				t.Errorf("mode %o, size %d, mtime %v, nlink %d, blocks %d; want %+v",
					st.Mode, st.Size, st.Mtim, st.Nlink, st.Blocks, c)
			}
			if st.Atim != st.Mtim || st.Ctim != st.Mtim {
				t.Errorf("atime %v, ctime %v; want mtime %v", st.Atim, st.Ctim, st.Mtim)
			}
			if st.Uid != owner.UID || st.Gid != owner.GID {
				t.Errorf("owner %d:%d, want %d:%d", st.Uid, st.Gid, owner.UID, owner.GID)
			}
		})
	}
}

// mapped reports whether the user namespace of the tests has the user id.
func mapped(t testing.TB, id uint32) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	var first, outside, count uint32
	if _, err := fmt.Sscan(string(b), &first, &outside, &count); err != nil {
		t.Fatal(err)
	}
	return first <= id && id-first < count
}

func TestSameBlobAtTwoPathsHasTwoIdentities(t *testing.T) {
	f := newFixture(t)
	f.fileWith("a/one", "same content", 0o755, 1000, 111)
	f.fileWith("b/two", "same content", 0o600, 2000, 222222222)
	m := f.mount()
	one, two := stat(t, m.path("a/one")), stat(t, m.path("b/two"))
	if one.Ino == two.Ino {
		t.Errorf("both have inode number %d: they look like hard links", one.Ino)
	}
	if one.Nlink != 1 || two.Nlink != 1 {
		t.Errorf("link counts %d and %d, want 1", one.Nlink, two.Nlink)
	}
	if one.Mode&0o777 != 0o755 || one.Mtim.Nano() != 1000_000000111 {
		t.Errorf("first: mode %o, mtime %v", one.Mode, one.Mtim)
	}
	if two.Mode&0o777 != 0o600 || two.Mtim.Nano() != 2000_222222222 {
		t.Errorf("second: mode %o, mtime %v", two.Mode, two.Mtim)
	}
	if got := sh(t, `cat "$1/a/one" "$1/b/two"`, m.dir); got != "same contentsame content" {
		t.Errorf("content %q", got)
	}
}

func TestCopyKeepsModeMtimeAndLinks(t *testing.T) {
	f := newFixture(t)
	f.fileWith("d/a", "same", 0o751, 1735689600, 987654321)
	f.fileWith("d/b", "same", 0o640, 1735689601, 1)
	f.add("d", tree.Entry{Kind: tree.Dir, Mode: 0o750, MtimeSec: 1600000000, MtimeNsec: 77})
	f.link("d/l", "../gone")
	m := f.mount()
	to := filepath.Join(t.TempDir(), "copy")
	sh(t, `cp -a "$1" "$2"`, m.path("d"), to)
	const list = `cd "$1" && stat -c '%n %f %.9Y %h' . a b && readlink l && cat a b`
	if got, want := sh(t, list, to), sh(t, list, m.path("d")); got != want {
		t.Errorf("the copy has\n%s\nthe view\n%s", got, want)
	}
}

func TestInodeNumbersAreSmallAndStable(t *testing.T) {
	f := newFixture(t)
	for d := range 5 {
		for i := range 40 {
			f.file(fmt.Sprintf("d%d/sub/f%d", d, i), "x")
		}
	}
	m := f.mount()
	const list = `cd "$1" && find . -printf '%i %y %p\n' | sort -k3`
	first := sh(t, list, m.dir)
	seen := map[string]string{}
	for line := range strings.Lines(first) {
		ino, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if len(ino) > 6 {
			t.Errorf("inode number %s is not small", ino)
		}
		if seen[ino] != "" {
			t.Errorf("%q and %q both have inode number %s", seen[ino], path, ino)
		}
		seen[ino] = path
	}
	if len(seen) != 5*42+1 {
		t.Errorf("%d paths, want %d", len(seen), 5*42+1)
	}
	if got := user(t, call{Op: "forget", Path: []byte(m.dir)})[0]; got.Errno != "" {
		t.Fatal(got.Errno)
	}
	var second string
	got := m.requestsDuring(func() { second = sh(t, list, m.dir) })
	if got["lookup"]+got["readdirplus"] == 0 {
		t.Error("nothing was dropped, so nothing is shown")
	}
	if first != second {
		t.Errorf("before\n%s\nafter\n%s", first, second)
	}
}
