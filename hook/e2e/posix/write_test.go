package posix

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWriteToInput(t *testing.T) {
	enter(t)
	f, err := os.OpenFile("write/overwrite", os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("XX"), 3)
	must(t, err)
	must(t, f.Close())
	wantContent(t, "write/overwrite", "012XX56789\n")
	if mode := stat(t, "write/overwrite").Mode; mode != unix.S_IFREG|0o640 {
		t.Errorf("mode %o after the write", mode)
	}

	f, err = os.OpenFile("write/append", os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString("more\n")
	must(t, err)
	must(t, f.Close())
	wantContent(t, "write/append", "input\nmore\n")

	must(t, os.Truncate("write/truncate", 5))
	wantContent(t, "write/truncate", "input")

	must(t, os.Chmod("write/chmod", 0o600))
	wantContent(t, "write/chmod", "input to chmod\n")
	if mode := stat(t, "write/chmod").Mode; mode != unix.S_IFREG|0o600 {
		t.Errorf("mode %o after chmod", mode)
	}

	f, err = os.OpenFile("write/opened", os.O_RDWR, 0)
	must(t, err)
	must(t, f.Close())
	wantContent(t, "write/opened", "opened, not changed\n")
}

func TestMapSharedInput(t *testing.T) {
	enter(t)
	mapAndChange(t, "write/mmap", 0, 'I')
	wantContent(t, "write/mmap", "Input to map\n")
}

func TestDeleteInputs(t *testing.T) {
	enter(t)
	must(t, os.Remove("delete/file"))
	wantGone(t, "delete/file")
	must(t, os.RemoveAll("delete/dir"))
	wantGone(t, "delete/dir")
	wantGone(t, "delete/dir/a")
	wantEntries(t, "delete")
}

func TestRenameInputs(t *testing.T) {
	enter(t)
	must(t, os.Rename("rename/file", "rename/file2"))
	wantGone(t, "rename/file")
	wantContent(t, "rename/file2", "renamed file\n")
	info, err := os.Stat("rename/file2")
	must(t, err)
	if info.Mode() != 0o751 || !info.ModTime().Equal(TimeA) {
		t.Errorf("renamed: mode %v, mtime %v", info.Mode(), info.ModTime())
	}

	moveDir(t, "rename/dir", "rename/dir2")
	wantGone(t, "rename/dir")
	wantContent(t, "rename/dir2/a", "in a renamed dir\n")
	wantContent(t, "rename/dir2/sub/b", "deeper in a renamed dir\n")
	write(t, "rename/dir2/new", "new in a renamed dir\n")
	wantEntries(t, "rename/dir2", "a", "new", "sub")
}

// moveDir is mv(1).
func moveDir(t *testing.T, from, to string) {
	t.Helper()
	err := unix.Rename(from, to) // os.Rename never replaces a directory
	if errors.Is(err, unix.EXDEV) && os.Getenv(CopyVariable) != "" {
		err = errors.Join(os.CopyFS(to, os.DirFS(from)), copyModes(from, to), os.RemoveAll(from))
	}
	must(t, err)
}

func copyModes(from, to string) error {
	return filepath.WalkDir(from, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(to, strings.TrimPrefix(p, from)), info.Mode())
	})
}

// A directory of inputs that is deleted and made again holds only what is new.
func TestReplaceInputDir(t *testing.T) {
	enter(t)
	must(t, os.RemoveAll("opaque/dir"))
	must(t, os.Mkdir("opaque/dir", 0o700))
	wantEntries(t, "opaque/dir")
	write(t, "opaque/dir/new", "new\n")
	wantEntries(t, "opaque/dir", "new")
	wantGone(t, "opaque/dir/old")
}

func TestRenameOver(t *testing.T) {
	enter(t)
	t.Chdir("over")
	write(t, "new", "new\n")
	must(t, os.Rename("new", "file"))
	wantContent(t, "file", "new\n")
	wantGone(t, "new")

	must(t, os.Mkdir("made", 0o755))
	write(t, "made/entry", "made\n")
	wantErr(t, "rename over a full input dir", unix.Rename("made", "full"), unix.ENOTEMPTY)
	must(t, os.Mkdir("made2", 0o755))
	write(t, "made2/entry", "made2\n")
	wantErr(t, "rename over a full made dir", unix.Rename("made", "made2"), unix.ENOTEMPTY)
	wantErr(t, "rmdir of a full input dir", unix.Rmdir("full"), unix.ENOTEMPTY)
	wantErr(t, "rename a file over a dir", unix.Rename("file", "made"), unix.EISDIR)
	wantErr(t, "rename a dir over a file", unix.Rename("made", "file"), unix.ENOTDIR)

	must(t, os.Remove("emptied/entry"))
	must(t, unix.Rename("made", "emptied"))
	wantContent(t, "emptied/entry", "made\n")
	must(t, os.Mkdir("empty", 0o755))
	must(t, unix.Rename("made2", "empty"))
	wantContent(t, "empty/entry", "made2\n")
	wantEntries(t, ".", "emptied", "empty", "file", "full")
}
