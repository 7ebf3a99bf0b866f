package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a command that has a terminal of its own, as a user's shell would start it: in the foreground.
type terminal struct {
	cmd    *exec.Cmd
	master *os.File
	screen buffer
	read   chan struct{}
}

// startOnTerminal starts a command. It is killed when the test ends before it does.
func startOnTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	must(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	must(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	term := &terminal{cmd: cmd, master: master, read: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	must(t, cmd.Start())
	must(t, slave.Close())
	go func() {
		defer close(term.read)
		_, _ = io.Copy(&term.screen, master) // EIO when nobody has the terminal any more
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = master.Close()
		<-term.read
	})
	return term
}

// see waits until something stands on the screen.
func (term *terminal) see(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() error {
		if !strings.Contains(term.screen.String(), text) {
			return fmt.Errorf("no %q on the terminal: %q", text, term.screen.String())
		}
		return nil
	})
}

func (term *terminal) write(t *testing.T, text string) {
	t.Helper()
	_, err := term.master.WriteString(text)
	must(t, err)
}

// wait returns the exit code.
func (term *terminal) wait(t *testing.T) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- term.cmd.Wait() }()
	eventually(t, func() error {
		select {
		case <-done:
			return nil
		default:
			return fmt.Errorf("the command goes on: %q", term.screen.String())
		}
	})
	return term.cmd.ProcessState.ExitCode()
}
