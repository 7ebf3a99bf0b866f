package upper_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/staging/upper"
)

// again runs the calling test once more in namespaces of its own, where it may mount what it likes, and returns true in
// there.
func again(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	const marker = "CASVIEW_TEST_AGAIN"
	if os.Getenv(marker) == t.Name() {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("namespaces with all of root's files need root")
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", strings.Join(parts, "/"), "-test.v")
	cmd.Env = append(os.Environ(), marker+"="+t.Name(), "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

func mountNamespace() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
}

// userNamespace maps all ids to themselves: root in there owns what root owns outside, and may not write trusted.*.
func userNamespace() *syscall.SysProcAttr {
	m := []syscall.SysProcIDMap{{Size: 1<<32 - 1}}
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: m, GidMappings: m,
		GidMappingsEnableSetgroups: true,
	}
}

// mount mounts a filesystem on a new directory, which it returns.
func mount(t *testing.T, fstype, options string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, unix.Mount(fstype, dir, fstype, 0, options))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func mountTmpfs(t *testing.T) string { return mount(t, "tmpfs", "") }

// mountOverlay mounts an overlayfs with new directories as layers: no file in there can be an overlayfs's own upper.
func mountOverlay(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	var dirs []string
	for _, name := range []string{"lower", "upper", "work"} {
		dirs = append(dirs, filepath.Join(top, name))
		must(t, os.Mkdir(dirs[len(dirs)-1], 0o755))
	}
	return mount(t, "overlay", "lowerdir="+dirs[0]+",upperdir="+dirs[1]+",workdir="+dirs[2])
}

func newWriter(t *testing.T, top string) upper.Writer {
	t.Helper()
	w, err := upper.NewWriter(mkdir(t, filepath.Join(top, "work")))
	must(t, err)
	return w
}

func mkdir(t *testing.T, path string) *os.File {
	t.Helper()
	must(t, os.Mkdir(path, 0o755))
	return open(t, path)
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t *testing.T, dir *os.File, name, content string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir.Name(), name), []byte(content), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
