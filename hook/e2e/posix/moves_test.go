package posix

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Input directories that are moved, moved again, taken apart and replaced: each move leaves overlayfs a note of where the
// inputs came from, and the notes of an outer and an inner directory add up.
func TestMovesOfInputDirs(t *testing.T) {
	enter(t)
	t.Chdir("moves")
	moveDir(t, "dir", "first")
	must(t, os.Mkdir("made", 0o755))
	moveDir(t, "first", "made/second")
	wantGone(t, "dir")
	wantContent(t, "made/second/sub/deep/d", "d of moves\n")

	must(t, os.Remove("made/second/a"))
	write(t, "made/second/b", "b changed\n")
	moveDir(t, "made/second/sub", "made/sub")
	wantContent(t, "made/sub/c", "c of moves\n")
	must(t, os.Link("made/sub/c", "made/linked-c"))
	moveDir(t, "made/sub/deep", "deep")
	wantContent(t, "deep/d", "d of moves\n")
	wantEntries(t, "made/second", "b", "kept")
	wantEntries(t, "made/sub", "c")

	// The old name again, for something else.
	must(t, os.Mkdir("dir", 0o755))
	wantEntries(t, "dir")
	write(t, "dir/a", "another a\n")
	wantEntries(t, "dir", "a")

	// Onto an input directory that was emptied.
	must(t, os.Remove("onto/old"))
	moveDirOnto(t, "source", "onto")
	wantEntries(t, "onto", "new")
	wantEntries(t, ".", "deep", "dir", "made", "onto")
}

// moveDirOnto moves a directory onto an empty one.
func moveDirOnto(t *testing.T, from, to string) {
	t.Helper()
	if os.Getenv(CopyVariable) != "" {
		must(t, os.Remove(to))
	}
	moveDir(t, from, to)
}

func TestExchangeInputs(t *testing.T) {
	enter(t)
	t.Chdir("exchange")
	must(t, unix.Renameat2(unix.AT_FDCWD, "one", unix.AT_FDCWD, "two", unix.RENAME_EXCHANGE))
	wantContent(t, "one", "two\n")
	wantContent(t, "two", "one\n")
	write(t, "three", "three\n")
	wantErr(t, "rename with NOREPLACE", unix.Renameat2(unix.AT_FDCWD, "three", unix.AT_FDCWD, "one", unix.RENAME_NOREPLACE), unix.EEXIST)
}

// Inputs that become something of another type.
func TestInputsChangeTheirType(t *testing.T) {
	enter(t)
	t.Chdir("kinds")
	must(t, os.Remove("file-to-dir"))
	must(t, os.Mkdir("file-to-dir", 0o755))
	write(t, "file-to-dir/in", "in a dir\n")
	must(t, os.RemoveAll("dir-to-file"))
	write(t, "dir-to-file", "a file\n")
	must(t, os.RemoveAll("dir-to-link"))
	must(t, os.Symlink("file-to-dir", "dir-to-link"))
	must(t, os.Remove("link-to-file"))
	write(t, "link-to-file", "no link\n")
	must(t, os.Remove("file-to-link"))
	must(t, os.Symlink("nowhere", "file-to-link"))
	must(t, os.Remove("made-again"))
	write(t, "made-again", "the same again\n")
	wantContent(t, "dir-to-link/in", "in a dir\n")
}
