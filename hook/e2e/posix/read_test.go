package posix

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUndeclaredPathsDoNotExist(t *testing.T) {
	enter(t)
	for _, p := range []string{"nothing", "undeclared/nothing", "undeclared/no/dir", "undeclared/keep2", "undeclared/kee"} {
		_, err := os.Stat(p)
		wantErr(t, "stat "+p, err, unix.ENOENT)
		_, err = os.Open(p)
		wantErr(t, "open "+p, err, unix.ENOENT)
		wantErr(t, "access "+p, unix.Access(p, unix.F_OK), unix.ENOENT)
		_, err = os.Readlink(p)
		wantErr(t, "readlink "+p, err, unix.ENOENT)
		wantErr(t, "unlink "+p, unix.Unlink(p), unix.ENOENT)
		wantErr(t, "truncate "+p, unix.Truncate(p, 0), unix.ENOENT)
		wantErr(t, "rename "+p, os.Rename(p, p+".new"), unix.ENOENT)
	}
	// A file is no directory, declared or not.
	_, err := os.Stat("undeclared/keep/below")
	wantErr(t, "stat below a file", err, unix.ENOTDIR)

	write(t, "undeclared/nothing", "the job's own\n")
	wantContent(t, "undeclared/nothing", "the job's own\n")
	wantEntries(t, "undeclared", "keep", "nothing")
	must(t, os.Mkdir("undeclared/no", 0o755))
	write(t, "undeclared/no/dir", "own dir\n")
	wantContent(t, "undeclared/no/dir", "own dir\n")
}

func TestReadInputs(t *testing.T) {
	enter(t)
	wantContent(t, "read/file", "read\n")
	wantContent(t, "read/empty", "")
	wantContent(t, "read/link", "read\n")
	target, err := os.Readlink("read/link")
	if err != nil || target != "file" {
		t.Errorf("readlink: %q, %v", target, err)
	}
	wantEntries(t, "read", "empty", "file", "link", "nobody")
}

func TestSameContentTwoPaths(t *testing.T) {
	enter(t)
	for _, f := range []struct {
		path string
		mode os.FileMode
		time time.Time
	}{{"same/a.txt", 0o640, TimeA}, {"same/b.sh", 0o755, TimeB}} {
		info, err := os.Stat(f.path)
		must(t, err)
		if info.Mode() != f.mode || !info.ModTime().Equal(f.time) {
			t.Errorf("%s: mode %v, mtime %d; expected %v, %d", f.path, info.Mode(), info.ModTime().UnixNano(), f.mode, f.time.UnixNano())
		}
		wantContent(t, f.path, "equal content\n")
		wantLinks(t, f.path, 1)
	}
	if a, b := stat(t, "same/a.txt"), stat(t, "same/b.sh"); a.Ino == b.Ino && a.Dev == b.Dev {
		t.Errorf("both have inode %d: programs take them for hard links", a.Ino)
	}
}

// Inode numbers may not change while a file is looked at: tar, rsync and find compare them.
func TestInodeNumbersStay(t *testing.T) {
	enter(t)
	before := map[string]uint64{}
	visit := func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		ino := info.Sys().(*syscall.Stat_t).Ino
		if old, seen := before[p]; seen && old != ino {
			t.Errorf("%s: inode %d, then %d", p, old, ino)
		}
		before[p] = ino
		return nil
	}
	must(t, filepath.WalkDir("read", visit))
	must(t, filepath.WalkDir("read", visit))
	f, err := os.Open("read/file")
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	if ino := info.Sys().(*syscall.Stat_t).Ino; ino != before["read/file"] {
		t.Errorf("fstat: inode %d, lstat %d", ino, before["read/file"])
	}
}
