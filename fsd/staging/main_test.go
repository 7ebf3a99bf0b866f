package staging

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary is also the processes that look at a mount, since the one that serves it must not, and it runs some
// tests again in namespaces of their own.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	if len(args) == 0 || !strings.HasPrefix(args[0], "do-") {
		os.Exit(m.Run())
	}
	if err := helpers[args[0]](args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var helpers = map[string]func(args []string) error{
	"do-attach":       attach,
	"do-create":       createOnMute,
	"do-rename":       rename,
	"do-first-thread": firstThread,
}

// attach gives the mount of descriptor 3 a place in its namespace and becomes the shell script args[1] in there.
func attach(args []string) error {
	if err := unix.MoveMount(3, "", unix.AT_FDCWD, args[0], unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("move_mount: %w", err)
	}
	if err := errors.Join(unix.Close(3), os.Chdir(args[0])); err != nil {
		return err
	}
	return syscall.Exec("/bin/sh", []string{"sh", "-euc", args[1]}, os.Environ())
}

// rename is rename(2), which mv would replace by copying. It prints the errno.
func rename(args []string) error {
	err := unix.Rename(args[0], args[1])
	var errno unix.Errno
	errors.As(err, &errno)
	_, err = fmt.Println(unix.ErrnoName(errno))
	return err
}

// again runs the calling test once more in namespaces of its own, where it may mount what it likes, and returns true in
// there.
func again(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	const marker = "CASVIEW_TEST_AGAIN"
	if os.Getenv(marker) == t.Name() {
		return true
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", strings.Join(parts, "/"), "-test.v")
	cmd.Env = append(environment(), marker+"="+t.Name())
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

// userNamespace maps the first ids to themselves: root in there owns what root owns outside, and may do nothing else.
func userNamespace(ids int) *syscall.SysProcAttr {
	m := []syscall.SysProcIDMap{{Size: ids}}
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: m, GidMappings: m,
		GidMappingsEnableSetgroups: true,
	}
}

// environment keeps the race detector from sleeping for a second before a process exits.
func environment() []string { return append(os.Environ(), "GORACE=atexit_sleep_ms=0", "LC_ALL=C") }
