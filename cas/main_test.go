package cas

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// roleEnv makes the test binary, started again, one of the other processes that a test needs.
const roleEnv = "CASVIEW_CAS_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func(dir string) error{
		"writer":       writerProcess,
		"stuck":        stuckProcess,
		"unprivileged": unprivilegedProcess,
		"confined":     confinedProcess,
	}
	run, ok := roles[os.Getenv(roleEnv)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process prepares another process of this test binary; stderr holds its error once it has ended.
func process(t *testing.T, role, dir string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stderr = new(bytes.Buffer)
	cmd = exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, stderr
}
