package staging

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUpperOnOverlayfs(t *testing.T) {
	t.Parallel()
	r := newRequest(t, t.TempDir())
	if !again(t, mountNamespace()) {
		return
	}
	base, merged := t.TempDir(), t.TempDir()
	for _, d := range []string{"l", "u", "w"} {
		must(t, os.Mkdir(filepath.Join(base, d), 0o700))
	}
	must(t, os.Chdir(base))
	must(t, unix.Mount("overlay", merged, "overlay", 0, "lowerdir=l,upperdir=u,workdir=w"))
	t.Cleanup(func() { must(t, unix.Unmount(merged, unix.MNT_DETACH)) })
	dir := filepath.Join(merged, "staging")
	r.Upper, r.Work = filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	refused(t, r, "overlay: ", "invalid argument (kernel: overlay: ", "not supported as upperdir")
	if _, err := os.Lstat(dir); err == nil {
		t.Errorf("left behind: %s", names(t, dir))
	}
}

func TestWorkOnAnotherFilesystem(t *testing.T) {
	t.Parallel()
	r := newRequest(t, t.TempDir())
	if !again(t, mountNamespace()) {
		return
	}
	other := t.TempDir()
	must(t, unix.Mount("tmpfs", other, "tmpfs", 0, "mode=0755"))
	t.Cleanup(func() { must(t, unix.Unmount(other, unix.MNT_DETACH)) })
	r.Work = filepath.Join(other, "work")
	// The kernel has its reason in dmesg only.
	refused(t, r, "overlay: create: invalid argument (")
	equal(t, "left behind", names(t, filepath.Dir(r.Upper))+names(t, other), "")
}

func TestFUSEMissing(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	r := requestWithoutFUSE(t, t.TempDir())
	if !again(t, mountNamespace()) {
		return
	}
	must(t, unix.Mount("tmpfs", "/dev", "tmpfs", 0, "mode=0755"))
	refused(t, r, "open /dev/fuse: no such file or directory")
	equal(t, "left behind", names(t, filepath.Dir(r.Upper)), "")
	if _, err := (ReadOnly{}).Mount(r); !errors.Is(err, unix.ENOENT) {
		t.Errorf("read-only: %v", err)
	}
	_, _, _, err := Choose("auto", r)
	if !errors.Is(err, ErrNoDriver) || !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "overlay: open /dev/fuse") {
		t.Errorf("auto: %v", err)
	}
}

// What is there already is somebody's: it is neither used nor removed.
func TestDirectoriesExistAlready(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"upper", "work"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := newRequest(t, dir)
			must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
			must(t, os.WriteFile(filepath.Join(dir, name, "keep"), nil, 0o600))
			refused(t, r, filepath.Join(dir, name)+": file exists")
			equal(t, "staging", names(t, dir), name)
			equal(t, "in there", names(t, filepath.Join(dir, name)), "keep")
		})
	}
}

func TestOwnerThatDoesNotExist(t *testing.T) {
	t.Parallel()
	r := newRequest(t, t.TempDir())
	if !again(t, userNamespace(1)) {
		return
	}
	r.Owner.UID = 1000
	refused(t, r, "chown "+r.Upper+": invalid argument")
	equal(t, "left behind", names(t, filepath.Dir(r.Upper)), "")
}

// A failed NewServer has closed the device: closing it once more could hit a descriptor that is somebody else's by then.
func TestServerThatDoesNotStart(t *testing.T) {
	r := newRequest(t, t.TempDir())
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	must(t, err)
	mount, err := newFUSE(dev, r.View.MountOptions(), r.Source, unlabelled, 0)
	must(t, err)
	must(t, mount.Close())
	if _, err := serveFUSE(dev, r.View, r.View.MountOptions()); err == nil || !strings.HasPrefix(err.Error(), "fuse: init: ") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(dev)); err == nil {
		t.Error("the device is still open")
	}
	noServer(t)
}

// refused requires that Overlay fails with an error that has all the parts, and leaves no mount and no goroutine.
func refused(t *testing.T, r Request, parts ...string) {
	t.Helper()
	s, err := Overlay{}.Mount(r)
	if err == nil {
		s.Mount.Close()
		t.Fatal("no error")
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q, want %q in it", err, p)
		}
	}
	nowhere(t, r.Source)
	if os.Getenv("CASVIEW_TEST_AGAIN") != "" {
		noServer(t) // of this test: it is alone here
	}
}

// noServer requires that no goroutine of a FUSE server is left. The last ones may still be on their way out.
func noServer(t *testing.T) {
	t.Helper()
	var stacks strings.Builder
	for range 100 {
		stacks.Reset()
		must(t, pprof.Lookup("goroutine").WriteTo(&stacks, 2))
		if !strings.Contains(stacks.String(), "fuse.(*Server)") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("left behind:\n%s", &stacks)
}
