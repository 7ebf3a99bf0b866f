package view_test

import (
	"os"
	"testing"
)

func TestWritesAreRefused(t *testing.T) {
	cases := []struct {
		name  string
		calls func(path func(string) []byte) call
		// on a superblock that lets the call through to the view; "" as on a read-only one
		writable string
	}{
		{"open for writing", func(p func(string) []byte) call { return call{Op: "write", Path: p("file")} }, ""},
		{"truncate by open", func(p func(string) []byte) call { return call{Op: "open-trunc", Path: p("file")} }, ""},
		{"create", func(p func(string) []byte) call { return call{Op: "open-create", Path: p("new")} }, ""},
		{"O_TMPFILE", func(p func(string) []byte) call { return call{Op: "tmpfile", Path: p("dir")} }, ""},
		{"unlink", func(p func(string) []byte) call { return call{Op: "unlink", Path: p("file")} }, ""},
		{"rmdir", func(p func(string) []byte) call { return call{Op: "rmdir", Path: p("dir")} }, ""},
		{"mkdir", func(p func(string) []byte) call { return call{Op: "mkdir", Path: p("new")} }, ""},
		{"mknod", func(p func(string) []byte) call { return call{Op: "mknod", Path: p("new")} }, ""},
		{"symlink", func(p func(string) []byte) call { return call{Op: "symlink", Path: p("new"), Arg: []byte("x")} }, ""},
		{"link", func(p func(string) []byte) call { return call{Op: "link", Path: p("file"), Arg: p("new")} }, ""},
		{"rename", func(p func(string) []byte) call { return call{Op: "rename", Path: p("file"), Arg: p("new")} }, ""},
		{"chmod", func(p func(string) []byte) call { return call{Op: "chmod", Path: p("file")} }, ""},
		{"chown", func(p func(string) []byte) call { return call{Op: "chown", Path: p("file")} }, ""},
		{"truncate", func(p func(string) []byte) call { return call{Op: "truncate", Path: p("file")} }, ""},
		{"utimes", func(p func(string) []byte) call { return call{Op: "utimes", Path: p("file")} }, ""},
		{"setxattr", func(p func(string) []byte) call { return call{Op: "setxattr", Path: p("file")} }, "ENOTSUP"},
	}
	for _, writable := range []bool{false, true} {
		f := newFixture(t)
		digest := f.file("file", "content")
		f.dir("dir")
		m := f.mountWith(mountOptions{writable: writable})
		path := func(name string) []byte { return []byte(m.path(name)) }
		for _, c := range cases {
			want := "EROFS"
			if writable && c.writable != "" {
				want = c.writable
			}
			if got := user(t, c.calls(path))[0]; got.Errno != want {
				t.Errorf("%s, writable superblock %v: got %q, want %s", c.name, writable, got.Errno, want)
			}
		}
		if got := sh(t, `cat "$1/file"; ls "$1"`, m.dir); got != "contentdir\nfile\n" {
			t.Errorf("afterwards: %q", got)
		}
		if b, err := os.ReadFile(f.blobPath(digest)); err != nil || string(b) != "content" {
			t.Errorf("the blob is %q, %v", b, err)
		}
	}
}
