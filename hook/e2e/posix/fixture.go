// Package posix holds what a job does with files, as tests. The e2e package compiles them into a static binary and runs
// it inside a container, in a view whose inputs are Fixture; `go test` of this package alone runs them on the host's
// filesystem, which shows that they expect what POSIX and Linux promise.
package posix

import (
	"os"
	"path/filepath"
	"time"
)

// DirVariable names the environment variable with the directory that holds the fixture. Unset, every test makes a
// fixture of its own.
const DirVariable = "CASVIEW_POSIX_DIR"

// CopyVariable names the environment variable that, set, lets the rename of an input directory end in EXDEV: in a user
// namespace overlayfs refuses it. mv(1) then copies the directory and deletes it, and so does the test. Unset, EXDEV fails
// the test.
const CopyVariable = "CASVIEW_POSIX_COPY"

// Times and modes of the two files with equal content, and of the file whose blob must stay as it is.
var (
	TimeA = time.Unix(1_600_000_000, 123_456_789)
	TimeB = time.Unix(1_500_000_000, 987_654_321)
)

// Input is one file of the fixture; an empty Symlink makes it a regular file.
type Input struct {
	Path, Content, Symlink string
	Mode                   os.FileMode
	Time                   time.Time
}

// Inputs are the files of the fixture. Each test works in a directory of its own, named after it.
func Inputs() []Input {
	return []Input{
		{Path: "same/a.txt", Content: "equal content\n", Mode: 0o640, Time: TimeA},
		{Path: "same/b.sh", Content: "equal content\n", Mode: 0o755, Time: TimeB},
		{Path: "undeclared/keep", Content: "keep\n"},
		{Path: "write/overwrite", Content: "0123456789\n", Mode: 0o640, Time: TimeA},
		{Path: "write/append", Content: "input\n"},
		{Path: "write/truncate", Content: "input to cut\n"},
		{Path: "write/mmap", Content: "input to map\n"},
		{Path: "write/chmod", Content: "input to chmod\n"},
		{Path: "write/opened", Content: "opened, not changed\n"},
		{Path: "delete/file", Content: "delete\n"},
		{Path: "delete/dir/a", Content: "a\n"},
		{Path: "delete/dir/b", Content: "b\n"},
		{Path: "rename/file", Content: "renamed file\n", Mode: 0o751, Time: TimeA},
		{Path: "rename/dir/a", Content: "in a renamed dir\n", Mode: 0o600, Time: TimeB},
		{Path: "rename/dir/sub/b", Content: "deeper in a renamed dir\n"},
		{Path: "over/file", Content: "replaced\n"},
		{Path: "over/full/entry", Content: "keeps its dir full\n"},
		{Path: "over/emptied/entry", Content: "deleted first\n"},
		{Path: "opaque/dir/old", Content: "old\n"},
		{Path: "opaque/dir/sub/old", Content: "old\n"},
		{Path: "hardlink/input", Content: "linked input\n"},
		{Path: "symlink/real/file", Content: "behind a link\n"},
		{Path: "symlink/input", Symlink: "real/file"},
		{Path: "symlink/swapped", Symlink: "real"},
		{Path: "moves/dir/a", Content: "a of moves\n"},
		{Path: "moves/dir/b", Content: "b of moves\n"},
		{Path: "moves/dir/kept", Content: "kept of moves\n", Mode: 0o604, Time: TimeA},
		{Path: "moves/dir/sub/c", Content: "c of moves\n"},
		{Path: "moves/dir/sub/deep/d", Content: "d of moves\n"},
		{Path: "moves/onto/old", Content: "old of moves\n"},
		{Path: "moves/source/new", Content: "new of moves\n"},
		{Path: "exchange/one", Content: "one\n"},
		{Path: "exchange/two", Content: "two\n"},
		{Path: "kinds/file-to-dir", Content: "file\n"},
		{Path: "kinds/dir-to-file/in", Content: "in dir\n"},
		{Path: "kinds/dir-to-link/in", Content: "in dir\n"},
		{Path: "kinds/link-to-file", Symlink: "file-to-dir"},
		{Path: "kinds/file-to-link", Content: "file\n"},
		{Path: "kinds/made-again", Content: "the same again\n"},
		{Path: "read/file", Content: "read\n"},
		{Path: "read/empty"},
		{Path: "read/link", Symlink: "file"},
		{Path: "read/nobody", Content: "never read\n"},
	}
}

// Fixture writes the inputs below dir.
func Fixture(dir string) error {
	for _, in := range Inputs() {
		if err := in.write(dir); err != nil {
			return err
		}
	}
	return nil
}

func (in Input) write(dir string) error {
	p := filepath.Join(dir, in.Path)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	if in.Symlink != "" {
		return os.Symlink(in.Symlink, p)
	}
	if err := os.WriteFile(p, []byte(in.Content), 0o644); err != nil {
		return err
	}
	if in.Mode != 0 {
		if err := os.Chmod(p, in.Mode); err != nil {
			return err
		}
	}
	if in.Time.IsZero() {
		return nil
	}
	return os.Chtimes(p, in.Time, in.Time)
}
