package examples

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// world is what all tests share: one directory, and in it the programs as they are shipped.
type world struct {
	dir, bin string
}

var shared world

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "cvex")
	if err != nil {
		return 1, err
	}
	// A user without root must get through, and only through.
	if err := os.Chmod(dir, 0o711); err != nil {
		return 1, err
	}
	shared = world{dir: dir, bin: filepath.Join(dir, "bin")}
	if err := build(); err != nil {
		return 1, errors.Join(err, os.RemoveAll(dir))
	}
	return m.Run(), os.RemoveAll(dir)
}

func build() error {
	const module = "github.com/casview/casview"
	if err := os.Mkdir(shared.bin, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-o", shared.bin+"/", module+"/cmd/casview", module+"/cmd/casview-hook",
		module+"/cmd/casview-fsd", module+"/cmd/casview-runtime", module+"/examples/containerd/client")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// needHost skips where no view can be mounted at all.
func needHost(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the examples need root")
	}
	if _, err := os.Stat("/dev/fuse"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the examples need /dev/fuse")
	}
}

// containersConf keeps podman within what a restricted host allows: without CAP_SYS_RESOURCE no hard limit can be raised,
// and there is no network to set up. Locks are files so that nothing is left in /dev/shm.
const containersConf = `[containers]
default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
tmp_dir = %q
`

const storageConf = `[storage]
driver = "vfs"
graphroot = %q
runroot = %q
`

// podmanEnv lets podman work in a directory of the test's own.
func podmanEnv(t *testing.T, dir string) []string {
	t.Helper()
	conf := writeFile(t, fmt.Sprintf(containersConf, filepath.Join(dir, "tmp")), dir, "containers.conf")
	storage := writeFile(t, fmt.Sprintf(storageConf, filepath.Join(dir, "root"), filepath.Join(dir, "run")), dir, "storage.conf")
	return []string{"CONTAINERS_CONF=" + conf, "CONTAINERS_STORAGE_CONF=" + storage}
}

// plainCgroup2 is what must stand before a command so that /sys/fs/cgroup is a plain cgroup2 for it, which crun insists
// on. On a host with cgroup v1 or a mix of both, that takes a mount namespace of the command's own.
func plainCgroup2(t *testing.T) []string {
	t.Helper()
	var st unix.Statfs_t
	must(t, unix.Statfs("/sys/fs/cgroup", &st))
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return nil
	}
	const script = `umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"`
	return []string{"unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"}
}

// tempDir is below the shared directory: its path is short, since engines put sockets into it.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(shared.dir, "t")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

func writeFile(t *testing.T, text string, path ...string) string {
	t.Helper()
	p := filepath.Join(path...)
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.WriteFile(p, []byte(text), 0o755))
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
