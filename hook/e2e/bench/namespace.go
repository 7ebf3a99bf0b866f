package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// dirVariable tells the program that it is in a mount namespace of its own, and which directory it has.
const dirVariable = "CASVIEW_BENCH_DIR"

// inOwnNamespace runs this program once more, in a mount namespace of its own and with a new directory in dir. Nobody else
// sees what it mounts, and when it ends, however it does, mounts, loop devices and the directory go.
func inOwnNamespace(dir string, args []string) (err error) {
	top, err := os.MkdirTemp(dir, "casview-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(top)) }()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), dirVariable+"="+top)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Its mounts are private from the start: package syscall sees to that.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM, Setpgid: true}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	return cmd.Wait()
}
