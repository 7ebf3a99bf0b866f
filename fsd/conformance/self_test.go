package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

func few() inputs {
	return inputs{
		"file":        {content: "content"},
		"dir/run":     {content: "#!/bin/sh\n", mode: 0o755, mtime: unix.Timespec{Sec: -1, Nsec: 5}},
		"dir/link":    {symlink: "run"},
		"empty":       {dir: true, mode: 0o1777},
		"dir/bad\xff": {content: "bytes"},
	}
}

// The harness tells what a view holds and what became of it.
func TestHarness(t *testing.T) {
	onEachDriver(t, func(t *testing.T, driver string) {
		plain := t.TempDir()
		must(t, few().write(plain))
		for name, state := range map[string]string{"ext4": "", "tmpfs": filepath.Join(onTmpfs(t), "state")} {
			t.Run(name, func(t *testing.T) {
				viewIsPlain(t, mountView(t, options{driver: driver, inputs: few(), state: state}), plain)
			})
		}
		t.Run("one processor", func(t *testing.T) {
			viewIsPlain(t, mountView(t, options{driver: driver, inputs: few(), gomaxprocs: 1}), plain)
		})
	})
}

func TestHarnessInUserNamespace(t *testing.T) {
	if !inUserNamespace(t) {
		return
	}
	onEachDriver(t, func(t *testing.T, driver string) {
		plain := t.TempDir()
		must(t, few().write(plain))
		viewIsPlain(t, mountView(t, options{driver: driver, inputs: few()}), plain)
	})
}

func viewIsPlain(t *testing.T, m *mounted, plain string) {
	t.Helper()
	for path := range few() {
		var got, want unix.Stat_t
		must(t, unix.Lstat(filepath.Join(m.Dir, path), &got))
		must(t, unix.Lstat(filepath.Join(plain, path), &want))
		if got.Mode != want.Mode || got.Mtim != want.Mtim {
			t.Errorf("%q: mode %o, mtime %v; on disk %o, %v", path, got.Mode, got.Mtim, want.Mode, want.Mtim)
		}
	}
	must(t, os.WriteFile(filepath.Join(m.Dir, "new"), []byte("new"), 0o600))
	must(t, m.dropCaches())
	if _, err := os.Lstat(filepath.Join(m.Upper, "new")); err != nil {
		t.Errorf("not in the staging tree: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(m.Dir, "dir/bad\xff")); err != nil || string(b) != "bytes" {
		t.Errorf("content %q, %v", b, err)
	}
	r := m.End()
	if e, ok := r.HashedFiles.Find("new"); len(r.HashedFiles) != 1 || !ok || e.Mode != 0o600 || e.Kind != result.File {
		t.Errorf("hashed_files %+v", r.HashedFiles)
	}
	if len(r.Inputs) != 1 || r.Inputs[0] != "dir/bad\xff" {
		t.Errorf("inputs %q", r.Inputs)
	}
}

// What a daemon can't do, its starter is told.
func TestOverlayRefusesStateOnOverlayfs(t *testing.T) {
	_, err := tryMountView(t, options{driver: "overlay", inputs: few(), state: filepath.Join(onOverlayfs(t), "state")})
	if err == nil || !strings.Contains(err.Error(), "not supported as upperdir") {
		t.Errorf("error %v", err)
	}
}
