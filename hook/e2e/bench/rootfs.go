package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// target is where all columns put the job's work tree.
const target = "/workspace"

// newRootfs makes a root filesystem of busybox alone, for all containers.
func newRootfs(dir string) (string, error) {
	for _, d := range []string{"bin", "dev", "etc", "proc", "sys", "tmp", "usr", "lib", "lib64", "bench", target} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return "", err
		}
	}
	busybox, err := readFirst("/usr/bin/busybox", "/bin/busybox")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/busybox"), busybox, 0o755); err != nil {
		return "", err
	}
	for _, applet := range []string{"sh", "true"} {
		if err := os.Symlink("busybox", filepath.Join(dir, "bin", applet)); err != nil {
			return "", err
		}
	}
	return dir, os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte("root:x:0:0::/:/bin/sh\n"), 0o644)
}

func readFirst(paths ...string) ([]byte, error) {
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return nil, errors.New("no busybox: install busybox-static")
}
