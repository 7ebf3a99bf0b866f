package view_test

import "testing"

// Overlayfs remembers the lower file of a copied-up one by file handle, and may only be led to inodes that have a name.
func TestFileHandlesFindWhatHasAName(t *testing.T) {
	f := newFixture(t)
	f.file("a/b/file", "content")
	f.link("a/b/link", "file")
	f.dir("a/b/dir")
	m := f.mount()
	for _, path := range []string{"a/b/file", "a/b/dir", "a/b/link", "a"} {
		want := stat(t, m.path(path)).Ino
		got := user(t,
			call{Op: "reopen-by-handle", Path: []byte(m.path(path)), Arg: []byte(m.dir)},
			call{Op: "reopen-forgotten", Path: []byte(m.path(path)), Arg: []byte(m.dir)},
		)
		if got[0].Errno == "EPERM" { // in a user namespace
			t.Skip(got[0].Errno)
		}
		if got[0].Errno != "" || string(got[0].Out) != uitoa(want) {
			t.Errorf("%s: inode %s, %s; want %d", path, got[0].Out, got[0].Errno, want)
		}
		if got[1].Errno != "ESTALE" {
			t.Errorf("%s, forgotten: inode %s, %s; want ESTALE", path, got[1].Out, got[1].Errno)
		}
	}
}
