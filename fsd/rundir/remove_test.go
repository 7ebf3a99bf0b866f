package rundir

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A tree with more levels than a process may have descriptors goes too, and nothing behind its symlinks does.
func TestRemoveTree(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 100, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
	outside, top := t.TempDir(), filepath.Join(t.TempDir(), "top")
	if err := os.WriteFile(filepath.Join(outside, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(top, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := unix.Open(top, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		for _, name := range []string{"d", "e", "hoisted-1"} {
			if err := unix.Mkdirat(dir, name, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := unix.Symlinkat(outside, dir, "link"); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(dir, "d", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		syscall.Close(dir)
		dir = next
	}
	syscall.Close(dir)
	for range 2 {
		if err := removeTree(top); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(top); !os.IsNotExist(err) {
		t.Errorf("%s: %v", top, err)
	}
	if _, err := os.Stat(filepath.Join(outside, "kept")); err != nil {
		t.Error(err)
	}
}
