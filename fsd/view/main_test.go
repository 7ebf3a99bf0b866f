package view_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const (
	stageVar  = "CASVIEW_TEST_STAGE"
	stageInNS = "in-namespace"
	stageUser = "user" // a process that looks at a view: see user_test.go
)

// TestMain runs the tests in a mount namespace of their own: nothing else on the host sees the views or adds requests to
// those that are counted, and no mount outlives the tests. Without root it is a user namespace as well.
func TestMain(m *testing.M) {
	switch os.Getenv(stageVar) {
	case stageInNS:
		os.Exit(m.Run())
	case stageUser:
		os.Exit(userMain(os.Args[1:]))
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), stageVar+"="+stageInNS)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Unshareflags = 0
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "run tests in a mount namespace:", err)
		os.Exit(1)
	}
}
