package collect

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace runs the calling test again in a mount namespace of its own, where it may mount what it likes. It returns
// true in there.
func inNamespace(t *testing.T) bool {
	t.Helper()
	return again(t, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})
}

// inUserNamespace does the same in a user namespace, in which root owns what it owns outside but may not write
// trusted.*.
func inUserNamespace(t *testing.T) bool {
	t.Helper()
	m := []syscall.SysProcIDMap{{Size: 1<<32 - 1}}
	return again(t, &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: m, GidMappings: m,
		GidMappingsEnableSetgroups: true,
	})
}

func again(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	const marker = "CASVIEW_TEST_NAMESPACE"
	if os.Getenv(marker) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), marker+"=1")
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

func mountTmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755,size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}
