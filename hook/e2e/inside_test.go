package e2e

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// insideVariable names the environment variable that tells a test binary that it runs a test inside the world of another
// one: it has the directory.
const insideVariable = "CASVIEW_TEST_INSIDE"

// inPrivateMounts runs the calling test once more in a mount namespace of its own, where it may mount what it likes, and
// returns true in there.
func inPrivateMounts(t *testing.T) bool {
	t.Helper()
	needHost(t)
	if os.Getenv(insideVariable) != "" {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	cmd.Env = append(os.Environ(), insideVariable+"="+shared.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}
