package attach

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

func TestMain(m *testing.M) {
	// See thread: the first thread must not be one that stays in a container.
	runtime.LockOSThread()
	os.Exit(m.Run())
}

// container is a process in a mount namespace of its own, with a root filesystem bound onto itself as runtimes do.
type container struct {
	pid    int
	rootfs string
	stop   func()
}

// newContainer runs the script in the new namespace, as far as it ends, and keeps the namespace until the test is over.
func newContainer(t *testing.T, rootfs, propagation, script string) container {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: makes mount namespaces")
	}
	ready := filepath.Join(t.TempDir(), "ready")
	cmd := exec.Command("unshare", "-m", "--propagation", propagation, "sh", "-ec", script+"\n: > "+ready+"\nexec sleep 60")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "R="+rootfs)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(stop)
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			return container{pid: cmd.Process.Pid, rootfs: rootfs, stop: stop}
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal("the namespace did not come up")
		}
	}
}

const bindRootfs = `mount --bind "$R" "$R"`

// inside is a path of the container's root filesystem as its own namespace shows it.
func (c container) inside(path string) string {
	return filepath.Join("/proc", strconv.Itoa(c.pid), "root", c.rootfs, path)
}

func (c container) request(target string) Request {
	return Request{PID: c.pid, Rootfs: c.rootfs, Target: target, Allowed: func(p string) bool {
		return p == "/workspace" || strings.HasPrefix(p, "/data/")
	}}
}

// detached is a tmpfs mounted nowhere, with a file in it.
func detached(t *testing.T) *os.File {
	t.Helper()
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "view")
	t.Cleanup(func() { f.Close() })
	file, err := unix.Openat(fd, "hello", unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(file)
	return f
}

// attachTo finds the target and mounts a view on it.
func attachTo(t *testing.T, r Request) (rundir.Attachment, error) {
	t.Helper()
	view := detached(t)
	p, a, err := Find(r)
	if err != nil {
		return a, err
	}
	defer p.Close()
	return a, p.Mount(view)
}
