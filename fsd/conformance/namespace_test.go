package conformance

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// privateMarker is in the environment of the process that runs the tests.
const privateMarker = "CASVIEW_TEST_PRIVATE"

// userMarker is in the environment of a test in a user namespace, and names it.
const userMarker = "CASVIEW_TEST_USER_NAMESPACE"

// inUserNamespaceNow says whether this process is the test in there.
func inUserNamespaceNow() bool { return os.Getenv(userMarker) != "" }

// lifelineFD is a pipe's read end in the process that runs the tests, and in every daemon that it starts. Nobody writes to
// the pipe; its other end is the first process's alone. A test that is stuck in a request to its daemon can't be killed
// before the daemon is: when the first process is, the daemon reads the end of the pipe and goes, and with it all the rest.
const lifelineFD = 5

func isPrivate() bool { return os.Getenv(privateMarker) != "" }

// privately runs the tests in a mount namespace that goes when they end, however they end. It returns their exit code.
func privately() int {
	// The child dies with the thread that started it (PR_SET_PDEATHSIG), which is this one.
	runtime.LockOSThread()
	lifeline, end, err := os.Pipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer end.Close()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), privateMarker+"=1")
	cmd.ExtraFiles = []*os.File{lifelineFD - 3: lifeline}
	// Unsharing in the child also makes all its mounts private.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	return exitCode(cmd.Run())
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	default:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
}

// lifeline is a copy of the pipe's end for one more process.
func lifeline(t *testing.T) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(lifelineFD, unix.F_DUPFD_CLOEXEC, 0)
	must(t, err)
	return os.NewFile(uintptr(fd), "lifeline")
}

// needMounts skips where no view can be mounted.
func needMounts(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
}

// inUserNamespace runs the calling test again in a user namespace, with all it starts, as for rootless podman: the first
// 65536 ids are there and mean themselves, and root in there may do nothing outside. It returns true in there.
//
// The test must not be parallel to others nor have a view: the new namespace would hold their mounts.
func inUserNamespace(t *testing.T) bool {
	t.Helper()
	needMounts(t)
	if os.Getenv(userMarker) == t.Name() {
		return true
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	cmd := exec.Command("/proc/self/exe", append(ownFlags(), "-test.run="+strings.Join(parts, "/"), "-test.v")...)
	cmd.Env = append(os.Environ(), userMarker+"="+t.Name())
	line := lifeline(t)
	defer line.Close()
	cmd.ExtraFiles = []*os.File{lifelineFD - 3: line}
	ids := []syscall.SysProcIDMap{{Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("in a user namespace:\n%s", out)
	return false
}

// ownFlags are this process's flags without the ones that name files that both would write.
func ownFlags() []string {
	var flags []string
	for _, f := range os.Args[1:] {
		if !strings.HasPrefix(f, "-test.testlogfile") && !strings.HasPrefix(f, "-test.coverprofile") {
			flags = append(flags, f)
		}
	}
	return flags
}

// onTmpfs is a new tmpfs. It ends with the test.
func onTmpfs(t *testing.T) string {
	t.Helper()
	needMounts(t)
	dir := t.TempDir()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// onOverlayfs is a new overlayfs, as under most containers, on which overlayfs takes no upper directory. It ends with the test.
func onOverlayfs(t *testing.T) string {
	t.Helper()
	needMounts(t)
	base, dir := t.TempDir(), t.TempDir()
	var options []string
	for _, layer := range []string{"lower", "upper", "work"} {
		must(t, os.Mkdir(filepath.Join(base, layer), 0o755))
		options = append(options, layer+"dir="+filepath.Join(base, layer))
	}
	must(t, unix.Mount("overlay", dir, "overlay", 0, strings.Join(options, ",")))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}
