package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startPodmanRootless is podman of an ordinary user, who is made for the test.
func startPodmanRootless(t *testing.T, with setup) engine {
	t.Helper()
	return newRootlessPodman(t, "runc", with, func(_ *testing.T, cmd *exec.Cmd) *exec.Cmd { return cmd })
}

func startPodmanRootlessCrun(t *testing.T, with setup) engine {
	t.Helper()
	return newRootlessPodman(t, "crun", with, asUserOn(plainCgroup2))
}

// asUserOn lets root wrap a command of a user: the command becomes the user's only inside.
func asUserOn(wrap func(*testing.T, *exec.Cmd) *exec.Cmd) func(*testing.T, *exec.Cmd) *exec.Cmd {
	return func(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
		t.Helper()
		user := cmd.SysProcAttr.Credential
		args := []string{
			"--reuid", strconv.Itoa(int(user.Uid)), "--regid", strconv.Itoa(int(user.Gid)), "--clear-groups", "--", cmd.Path,
		}
		dropped := exec.Command(find(t, "setpriv"), append(args, cmd.Args[1:]...)...)
		dropped.Env, dropped.Dir = cmd.Env, cmd.Dir
		return wrap(t, dropped)
	}
}

func newRootlessPodman(t *testing.T, runtime string, with setup, wrap func(*testing.T, *exec.Cmd) *exec.Cmd) engine {
	t.Helper()
	return newPodman(t, runtime, newRootlessSite(t, with), wrap)
}

// newRootlessSite is the site of a user who is made for the test.
func newRootlessSite(t *testing.T, with setup) *site {
	t.Helper()
	needHost(t)
	openFuseDevice(t)
	uid := newUser(t)
	s := newSite(t, uid, with)
	runtimeDir := filepath.Join(s.dir, "xdg")
	must(t, os.Mkdir(runtimeDir, 0o700))
	must(t, os.Chown(runtimeDir, uid, uid))
	// Only what a login gives: nothing of root's environment may help.
	s.env = []string{"HOME=" + s.dir, "XDG_RUNTIME_DIR=" + runtimeDir, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	return s
}

// openFuseDevice lets every user open /dev/fuse, as distributions do by udev, until the test ends. Tests of other packages
// that need the same at the same time wait.
func openFuseDevice(t *testing.T) {
	t.Helper()
	const device = "/dev/fuse"
	lock, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Flock(lock, unix.LOCK_EX))
	info, err := os.Stat(device)
	must(t, err)
	must(t, os.Chmod(device, 0o666))
	t.Cleanup(func() {
		must(t, os.Chmod(device, info.Mode().Perm()))
		must(t, unix.Close(lock))
	})
}

// newUser makes a user with subordinate ids, and removes it when the test ends.
func newUser(t *testing.T) int {
	t.Helper()
	name := fmt.Sprintf("cve2e%d", os.Getpid())
	output(t, exec.Command(find(t, "useradd"), "--no-create-home", "--home-dir", shared.dir, "--shell", "/bin/sh", name))
	t.Cleanup(func() {
		// userdel warns on stderr about a mailbox that never was.
		output(t, exec.Command(find(t, "userdel"), name))
	})
	u, err := user.Lookup(name)
	must(t, err)
	uid, err := strconv.Atoi(u.Uid)
	must(t, err)
	return uid
}

func userName(t *testing.T, uid int) string {
	t.Helper()
	u, err := user.LookupId(strconv.Itoa(uid))
	must(t, err)
	return u.Username
}

// endProcessesOf ends what a user made for the test still runs.
func endProcessesOf(t *testing.T, uid int) {
	t.Helper()
	eventually(t, func() error {
		var left []string
		for _, p := range processes() {
			if p.uid == uid && p.state != "Z" {
				left = append(left, fmt.Sprintf("%d %s", p.pid, strings.Join(p.args, " ")))
				if err := unix.Kill(p.pid, unix.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
					return err
				}
			}
		}
		if len(left) > 0 {
			time.Sleep(50 * time.Millisecond)
			return fmt.Errorf("processes of the rootless user still run: %q", left)
		}
		return nil
	})
}
