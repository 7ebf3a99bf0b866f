// Package testfs gives tests filesystems with the properties they need: small, another one, or one with reflinks. All
// need root and skip the test otherwise. They are mounted until the test ends.
package testfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// NeedRoot skips the test where it can't mount filesystems or change owners.
func NeedRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: mounts a filesystem or changes owners")
	}
}

// Tmpfs returns a new tmpfs; data are its mount options, such as "size=1m".
func Tmpfs(t *testing.T, data string) string {
	t.Helper()
	return mount(t, "tmpfs", "tmpfs", 0, data)
}

// Bind returns another mount of dir.
func Bind(t *testing.T, dir string) string {
	t.Helper()
	return mount(t, dir, "", unix.MS_BIND, "")
}

// Reflink returns a new xfs or btrfs, and skips where neither can be made.
func Reflink(t *testing.T) string {
	t.Helper()
	NeedRoot(t)
	for _, fstype := range []string{"xfs", "btrfs"} {
		mkfs, err := exec.LookPath("mkfs." + fstype)
		if err != nil {
			continue
		}
		image := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 400<<20); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(mkfs, "-q", image).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", mkfs, err, out)
		}
		out, err := exec.Command("losetup", "--find", "--show", image).CombinedOutput()
		if err != nil {
			t.Skipf("no loop device: %v: %s", err, out)
		}
		loop := strings.TrimSpace(string(out))
		t.Cleanup(func() {
			if out, err := exec.Command("losetup", "--detach", loop).CombinedOutput(); err != nil {
				t.Errorf("losetup: %v: %s", err, out)
			}
		})
		return mount(t, loop, fstype, 0, "")
	}
	t.Skip("neither mkfs.xfs nor mkfs.btrfs: no filesystem with reflinks")
	return ""
}

func mount(t *testing.T, source, fstype string, flags uintptr, data string) string {
	t.Helper()
	NeedRoot(t)
	dir := t.TempDir()
	if err := unix.Mount(source, dir, fstype, flags, data); err != nil {
		t.Fatalf("mount %s: %v", fstype, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}
