package upper_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/staging/upper"
)

func TestWriterLeavesNothing(t *testing.T) {
	work := open(t, t.TempDir())
	if _, err := upper.NewWriter(work); err != nil {
		t.Fatal(err)
	}
	if names, err := work.Readdirnames(-1); err != nil || len(names) > 0 {
		t.Errorf("left %q, %v", names, err)
	}
}

func TestWriterMarksAreRead(t *testing.T) {
	top := t.TempDir()
	w := newWriter(t, top)
	dir := mkdir(t, filepath.Join(top, "upper"))
	if err := w.Whiteout(dir, "gone"); err != nil {
		t.Fatal(err)
	}
	if !isWhiteout(t, w, dir, "gone") {
		t.Error("no whiteout")
	}
	if err := w.Whiteout(dir, "gone"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second whiteout: %v", err)
	}
	if err := w.SetRedirect(dir, "/a/b"); err != nil {
		t.Fatal(err)
	}
	if m, err := w.Xattrs().Read(dir); err != nil || m.Redirect != "/a/b" {
		t.Errorf("got %+v, %v", m, err)
	}
	opaque := mkdir(t, filepath.Join(top, "opaque"))
	if err := w.SetOpaque(opaque); err != nil {
		t.Fatal(err)
	}
	if m, err := w.Xattrs().Read(opaque); err != nil || m != (upper.Marks{Opaque: true}) {
		t.Errorf("got %+v, %v", m, err)
	}
}

func newWriter(t *testing.T, top string) upper.Writer {
	t.Helper()
	w, err := upper.NewWriter(mkdir(t, filepath.Join(top, "work")))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mkdir(t *testing.T, path string) *os.File {
	t.Helper()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func isWhiteout(t *testing.T, w upper.Writer, dir *os.File, name string) bool {
	t.Helper()
	m, err := w.Xattrs().Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		t.Fatal(err)
	}
	is, err := w.Xattrs().IsWhiteout(dir, m, name, &st)
	if err != nil {
		t.Fatal(err)
	}
	return is
}
