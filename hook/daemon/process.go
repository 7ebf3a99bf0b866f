package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Program is the daemon's file name. It is installed in the same directory as the programs that start it.
const Program = "casview-fsd"

// BesideSelf is where casview-fsd is installed: beside the running program. PATH is not looked at, since engines start
// hooks with none, or with one that a user chose.
func BesideSelf() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", Program, err)
	}
	return filepath.Join(filepath.Dir(self), Program), nil
}

// spawn starts the daemon's program in a session of its own. stderr nil is /dev/null: a runtime waits until nobody holds
// the pipes that it gave its hook, so a daemon that inherits them would hang the container's start for ever. more are
// inherited from descriptor 3 on.
func spawn(program string, stderr *os.File, more []*os.File, args ...string) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	if stderr == nil {
		stderr = null
	}
	if err := sealInherited(); err != nil {
		return nil, err
	}
	p, err := os.StartProcess(program, append([]string{Program}, args...), &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Files: append([]*os.File{null, null, stderr}, more...),
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", Program, err)
	}
	return p, nil
}

// sealInherited keeps descriptors that this process inherited from going on to the daemon. containerd's shim, for one,
// leaks pipes into its poststop hooks and waits for them.
func sealInherited() error {
	if unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	// Linux before 5.11.
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
