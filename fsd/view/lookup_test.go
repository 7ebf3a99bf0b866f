package view_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/view"
)

func TestUndeclaredPathDoesNotExist(t *testing.T) {
	f := newFixture(t)
	f.file("dir/declared", "x")
	// On a read-only superblock the kernel refuses unlink before it looks, so this one can be written to.
	m := f.mountWith(mountOptions{writable: true})
	for _, path := range []string{"undeclared", "dir/undeclared", "dir/declare", "dir/declared2", "no/such/dir", "dir/\xff"} {
		for _, op := range []string{"stat", "open", "access", "readlink", "unlink", "rmdir", "truncate", "chmod"} {
			// The second round is the kernel's cache.
			for round := range 2 {
				got := user(t, call{Op: op, Path: []byte(m.path(path))})[0]
				if got.Errno != "ENOENT" {
					t.Errorf("%s %q, round %d: got %q, want ENOENT", op, path, round, got.Errno)
				}
			}
		}
	}
	if got := user(t, call{Op: "stat", Path: []byte(m.path("dir/declared/below"))})[0]; got.Errno != "ENOTDIR" {
		t.Errorf("below a file: got %q, want ENOTDIR", got.Errno)
	}
}

func TestNamesOfAllBytesAndLengths(t *testing.T) {
	f := newFixture(t)
	names := []string{
		"not utf-8 \xff\xfe", "\x80", "new\nline", "quote\"'`$", " ", "-n", "tab\t", "...", "\uef80 escape rune",
		"é", "\x01", strings.Repeat("n", 255), strings.Repeat("\xff", 255),
	}
	for _, name := range names {
		f.file("d/"+name, name)
		f.file("deep/"+name+"/"+name+"/x", name)
	}
	f.file("last/\xc3\x28", "first")
	m := f.mount()
	listed := user(t, call{Op: "names", Path: []byte(m.path("d"))})[0]
	for _, name := range names {
		if !strings.Contains(string(listed.Out), " "+name+"\x00") {
			t.Errorf("%q is not listed", name)
		}
		for _, path := range []string{"d/" + name, "deep/" + name + "/" + name + "/x"} {
			got := user(t, call{Op: "read", Path: []byte(m.path(path))})[0]
			if got.Errno != "" || string(got.Out) != name {
				t.Errorf("read %q: %q, %s", path, got.Out, got.Errno)
			}
		}
	}
	for _, length := range []int{256, 1000, 3000} {
		got := user(t, call{Op: "stat", Path: []byte(m.path(strings.Repeat("n", length)))})[0]
		if got.Errno != "ENAMETOOLONG" {
			t.Errorf("name of %d bytes: got %q, want ENAMETOOLONG", length, got.Errno)
		}
	}
	if got := m.trace(); len(got.Absent) != 0 || len(got.Inputs) != 2*len(names) {
		t.Errorf("trace has %d absent, %d inputs; want 0, %d", len(got.Absent), len(got.Inputs), 2*len(names))
	}
}

func TestSymlinksStaySymlinks(t *testing.T) {
	f := newFixture(t)
	f.file("dir/file", "content")
	long := strings.Repeat("long/", 700)
	links := map[string]string{
		"dangling": "no/such", "absolute": "/etc/hostname", "to-dir": "dir", "to-file": "dir/file", "up/up": "../dir/file",
		"bytes": "\xff\n", "long": long, "loop": "loop",
	}
	for path, target := range links {
		f.link(path, target)
	}
	m := f.mount()
	for path, target := range links {
		got := user(t, call{Op: "readlink", Path: []byte(m.path(path))})[0]
		if string(got.Out) != target {
			t.Errorf("%s points to %q (%s), want %q", path, got.Out, got.Errno, target)
		}
	}
	if got := sh(t, `cd "$1"; cat to-dir/file to-file up/up; ! test -e dangling; ls to-dir`, m.dir); got != "contentcontentcontentfile\n" {
		t.Errorf("through links: %q", got)
	}
	if got := user(t, call{Op: "open", Path: []byte(m.path("loop"))})[0]; got.Errno != "ELOOP" {
		t.Errorf("loop: got %q, want ELOOP", got.Errno)
	}
	if got := user(t, call{Op: "readlink", Path: []byte(m.path("dir"))})[0]; got.Errno != "EINVAL" {
		t.Errorf("readlink of a directory: got %q, want EINVAL", got.Errno)
	}
}

func TestListingOfManyNamesIsComplete(t *testing.T) {
	const files = 50_000
	f := newFixture(t)
	want := []string{".", ".."}
	for i := range files {
		name := fmt.Sprintf("file-%06d", i)
		want = append(want, name)
		f.file("many/"+name, "x")
	}
	m := f.mount()
	var got []string
	var dots []string
	requests := m.requestsDuring(func() {
		listed := user(t, call{Op: "names", Path: []byte(m.path("many"))})[0]
		for entry := range strings.SplitSeq(strings.TrimSuffix(string(listed.Out), "\x00"), "\x00") {
			fields := strings.SplitN(entry, " ", 3)
			got = append(got, fields[2])
			if fields[2] == "." || fields[2] == ".." {
				dots = append(dots, fields[0])
			}
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("%d names, want %d in order", len(got), len(want))
	}
	if many, root := stat(t, m.path("many")).Ino, stat(t, m.dir).Ino; !slices.Equal(dots, []string{fmt.Sprint(many), fmt.Sprint(root)}) {
		t.Errorf("inode numbers of . and ..: %v, want %d and %d", dots, many, root)
	}
	t.Logf("%d files took %v", files, requests)
	// 32 KiB of getdents in Linux 6.16 and later, 4 KiB before, hold 190 or 23 names with attributes.
	if requests["readdirplus"] > files/20 || requests["lookup"] > 1 {
		t.Errorf("requests %v", requests)
	}
	again := m.requestsWhenCached(counts{}, func() { sh(t, `ls -lU "$1/many" >/dev/null; ls "$1/many" > /dev/null`, m.dir) })
	wantRequests(t, "second listing, with attributes", again, counts{})
}

func TestStatfsTellsTheLongestName(t *testing.T) {
	m := newFixture(t).mount()
	if got := user(t, call{Op: "statfs", Path: []byte(m.dir)})[0]; string(got.Out) != "255" {
		t.Errorf("longest name %s (%s), want 255", got.Out, got.Errno)
	}
}

func TestNewNeedsTheRootDirectory(t *testing.T) {
	f := newFixture(t)
	if _, err := view.New(f.store, cas.Sum(cas.SHA256, []byte("nothing")), nil, view.Options{}); err == nil {
		t.Error("no error for a root that is not in the store")
	}
	notDir := f.file("x", "this is no directory message")
	if _, err := view.New(f.store, notDir, nil, view.Options{}); err == nil {
		t.Error("no error for a root that is not a directory")
	}
}
