package view_test

import (
	"strings"
	"testing"
)

// Overlayfs remembers the lower file of a copied-up one by file handle. If the view could not find it again, the file
// would get another st_ino as soon as the kernel drops the lower inode.
func TestFileHandlesOutliveTheKernelsCache(t *testing.T) {
	f := newFixture(t)
	f.file("a/b/file", "content")
	f.link("a/b/link", "file")
	f.dir("a/b/dir")
	m := f.mount()
	for _, path := range []string{"a/b/file", "a/b/dir", "a/b/link", "a"} {
		want := stat(t, m.path(path)).Ino
		got := user(t, call{Op: "reopen-by-handle", Path: []byte(m.path(path)), Arg: []byte(m.dir)})[0]
		if strings.Contains(got.Errno, "drop_caches") || got.Errno == "EPERM" { // in a user namespace
			t.Skip(got.Errno)
		}
		if got.Errno != "" || string(got.Out) != uitoa(want) {
			t.Errorf("%s: inode %s, %s; want %d", path, got.Out, got.Errno, want)
		}
	}
}
