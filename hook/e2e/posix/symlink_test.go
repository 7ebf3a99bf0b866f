package posix

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSymlinks(t *testing.T) {
	enter(t)
	t.Chdir("symlink")
	for path, target := range map[string]string{"dangling": "no/where", "absolute": "/etc/passwd", "todir": "real", "loop": "loop"} {
		must(t, os.Symlink(target, path))
		if got, err := os.Readlink(path); err != nil || got != target {
			t.Errorf("readlink %s: %q, %v", path, got, err)
		}
	}
	_, err := os.Stat("dangling")
	wantErr(t, "stat of a dangling link", err, unix.ENOENT)
	_, err = os.Stat("loop")
	wantErr(t, "stat of a loop", err, unix.ELOOP)
	wantContent(t, "todir/file", "behind a link\n")
	wantContent(t, "input", "behind a link\n")
	write(t, "todir/made", "made through a link\n")
	wantContent(t, "real/made", "made through a link\n")
}

func TestSwapSymlinkAndDir(t *testing.T) {
	enter(t)
	t.Chdir("symlink")
	must(t, os.Remove("swapped"))
	must(t, os.Mkdir("swapped", 0o755))
	write(t, "swapped/own", "own\n")
	wantEntries(t, "swapped", "own")
	must(t, os.RemoveAll("swapped"))
	must(t, os.Symlink("real", "swapped"))
	wantContent(t, "swapped/file", "behind a link\n")

	must(t, os.Symlink("real", "made-swapped"))
	must(t, os.Remove("made-swapped"))
	must(t, os.Mkdir("made-swapped", 0o755))
	write(t, "made-swapped/own", "own\n")
}
