package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newRootfs makes a root filesystem of busybox alone, owned by uid.
func newRootfs(t *testing.T, dir string, uid int) string {
	t.Helper()
	for _, d := range []string{"bin", "dev", "etc", "proc", "run", "sys", "tmp", "job", "usr", "lib", "lib64"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	busybox := findBusybox(t)
	content, err := os.ReadFile(busybox)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "bin/busybox"), content, 0o755))
	for _, applet := range applets(t, busybox) {
		if applet != "busybox" {
			must(t, os.Symlink("busybox", filepath.Join(dir, "bin", applet)))
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte("root:x:0:0::/:/bin/sh\nbuilder:x:1234:5678::/:/bin/sh\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "etc/group"), []byte("root:x:0:\nbuilder:x:5678:\n"), 0o644))
	must(t, os.Chmod(filepath.Join(dir, "tmp"), 0o1777))
	chownTree(t, dir, uid)
	return dir
}

func findBusybox(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"/usr/bin/busybox", "/bin/busybox"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Fatal("no busybox: install busybox-static")
	return ""
}

func applets(t *testing.T, busybox string) []string {
	t.Helper()
	out, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		t.Fatal(fmt.Errorf("%s --list: %w", busybox, err))
	}
	return strings.Fields(string(out))
}

// hostBinds gives a container the host's programs and libraries on top of busybox, for jobs that need GNU tools.
func hostBinds() []bind {
	binds := []bind{{"/usr", "/usr"}}
	for _, dir := range []string{"/lib", "/lib64"} {
		binds = append(binds, bind{dir, dir})
	}
	return binds
}

func chownTree(t *testing.T, dir string, uid int) {
	t.Helper()
	if uid == 0 {
		return
	}
	must(t, filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, uid, uid)
	}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
