package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/daemon"
)

// The test binary is also casview-fsd, the job that looks at a view, and a starter that dies.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	switch {
	case os.Args[0] == daemon.Program:
		main()
	case len(args) > 0 && strings.HasPrefix(args[0], "do-"):
		if err := helpers[args[0]](args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

var helpers = map[string]func(args []string) error{
	"do-attach":  attach,
	"do-starter": starter,
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

// starter starts the daemon of a run, says its pid when it has the mount, and waits to be killed.
func starter(args []string) error {
	run, err := rundir.OpenPath(args[0])
	if err != nil {
		return err
	}
	lock, err := run.TryLock()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	d, err := daemon.StartFSD(self, run, lock)
	if err != nil {
		return err
	}
	if _, _, err := d.Ready(context.Background(), 20*time.Second); err != nil {
		return err
	}
	fmt.Println(d.PID())
	select {}
}
