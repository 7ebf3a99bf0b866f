// Package holderstest starts processes that hold a view, for tests.
package holderstest

import (
	"bufio"
	"os/exec"
	"syscall"
	"testing"
)

// Start starts a process with two mounts of this source in a namespace of its own, and a child that is in there too. Both
// end with the test.
func Start(t *testing.T, source string) (pid int) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("/bin/sh", "-euc", `
		mkdir m n
		mount -t tmpfs -o size=64k "$1" m
		mount --bind m n
		sh -c 'echo ready; exec cat >/dev/null'
		:`, "sh", source)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		must(t, cmd.Wait())
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	if line != "ready\n" {
		t.Fatalf("holder says %q", line)
	}
	return cmd.Process.Pid
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
