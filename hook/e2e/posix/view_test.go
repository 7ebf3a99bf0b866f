package posix

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// enter makes the fixture the current directory.
func enter(t *testing.T) {
	t.Helper()
	dir := os.Getenv(DirVariable)
	if dir == "" {
		dir = t.TempDir()
		must(t, Fixture(dir))
	}
	t.Chdir(dir)
}

// mkdir makes and enters a directory that no input is in.
func mkdir(t *testing.T, name string) {
	t.Helper()
	enter(t)
	must(t, os.Mkdir(name, 0o755))
	t.Chdir(name)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s: %q, %v; expected %q", path, got, err, want)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, expected %v", what, err, want)
	}
}

func wantGone(t *testing.T, path string) {
	t.Helper()
	_, err := os.Lstat(path)
	wantErr(t, "lstat "+path, err, unix.ENOENT)
}

func wantEntries(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(want) {
		t.Errorf("%s holds %q, expected %q", dir, got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s holds %q, expected %q", dir, got, want)
			return
		}
	}
}

func stat(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Lstat(path)
	must(t, err)
	return info.Sys().(*syscall.Stat_t)
}

func wantLinks(t *testing.T, path string, want uint64) {
	t.Helper()
	if got := uint64(stat(t, path).Nlink); got != want {
		t.Errorf("%s: st_nlink %d, expected %d", path, got, want)
	}
}
