package beneath

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func openRoot(t *testing.T) (dir string, fd int) {
	t.Helper()
	dir = t.TempDir()
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return dir, fd
}

func TestOpenStaysBelow(t *testing.T) {
	dir, root := openRoot(t)
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "a/b"), 0o755),
		os.WriteFile(filepath.Join(dir, "a/b/f"), []byte("x"), 0o644),
		os.Symlink("/etc", filepath.Join(dir, "abs")),
		os.Symlink("a", filepath.Join(dir, "rel")),
		os.Symlink("f", filepath.Join(dir, "a/b/link")),
	); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		"":           nil,
		"a/b/f":      nil,
		"a/none":     unix.ENOENT,
		"a/b/f/g":    unix.ENOTDIR,
		"abs/passwd": unix.ELOOP,
		"rel/b/f":    unix.ELOOP,
		"a/b/link":   unix.ELOOP,
		"..":         unix.EXDEV,
		"a/../../x":  unix.EXDEV,
		"/etc":       unix.EXDEV,
	} {
		fd, err := Open(root, path, unix.O_RDONLY, 0)
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", path, err, want)
		}
		if err == nil {
			unix.Close(fd)
		}
	}
}

func TestOpenLongPath(t *testing.T) {
	_, root := openRoot(t)
	part := strings.Repeat("p", 200)
	path := ""
	for range 60 {
		parent, _, err := Parent(root, filepath.Join(path, part))
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkdirat(parent, part, 0o755); err != nil {
			t.Fatal(err)
		}
		unix.Close(parent)
		path = filepath.Join(path, part)
	}
	fd, err := Open(root, path+"/file", unix.O_WRONLY|unix.O_CREAT, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	parent, name, err := Parent(root, path+"/file")
	if err != nil || name != "file" {
		t.Fatalf("Parent = %q, %v", name, err)
	}
	defer unix.Close(parent)
	if err := unix.Faccessat(parent, name, unix.F_OK, 0); err != nil {
		t.Error(err)
	}
	if _, err := Open(root, strings.Repeat("x", 5000), unix.O_RDONLY, 0); err != unix.ENAMETOOLONG {
		t.Errorf("a part of 5000 bytes: %v", err)
	}
}
