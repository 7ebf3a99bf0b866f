package examples

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// The demo as a user without root runs it, with casview's own filesystem and a small program: a build in a rootless podman
// container and one on the host in a view made by `casview mount` give what the same build gives outside.
func TestDemoRootless(t *testing.T) {
	needHost(t)
	openFuseDevice(t)
	u := newUser(t)
	repo := filepath.Join(u.home, "casview")
	copyCheckout(t, repo)
	u.own(t)
	o := script{
		before: u.become("ENGINE=podman mount", "DRIVER=fuse", "DEMO_PACKAGES=./.ci/testreport"),
		path:   filepath.Join(repo, "examples/demo/demo"),
	}.succeed(t)
	if n := strings.Count(o.stdout, "identical, bit for bit"); n != 2 {
		t.Errorf("%d of 2 builds are identical: %s", n, o.stdout)
	}
	work := filepath.Join(repo, ".demo")
	all := results(t, work)
	if len(all) != 2 {
		t.Fatalf("%d results", len(all))
	}
	outside := sha256Of(t, filepath.Join(work, "outside/testreport"))
	for _, r := range all {
		if r.Status != result.Complete || r.StagingDriver != "fuse" {
			t.Errorf("run %s: status %s, errors %q, driver %s", r.Run, r.Status, r.Errors, r.StagingDriver)
		}
		if e, _ := r.HashedFiles.Find("out/testreport"); e.Hash.Hex() != outside {
			t.Errorf("run %s: %+v, outside it has digest %s", r.Run, e, outside)
		}
	}
}

// ordinaryUser is a user with subordinate ids who is there for one test.
type ordinaryUser struct {
	name, home string
	uid        int
	env        []string
}

func newUser(t *testing.T) *ordinaryUser {
	t.Helper()
	u := &ordinaryUser{name: fmt.Sprintf("cvex%d", os.Getpid()), home: tempDir(t)}
	run(t, "useradd", "--no-create-home", "--home-dir", u.home, "--shell", "/bin/sh", u.name)
	t.Cleanup(func() { run(t, "userdel", u.name) })
	entry, err := user.Lookup(u.name)
	must(t, err)
	u.uid, err = strconv.Atoi(entry.Uid)
	must(t, err)
	for _, dir := range []string{"xdg", "tmp"} {
		must(t, os.Mkdir(filepath.Join(u.home, dir), 0o700))
	}
	// Only what a login gives, with what podman needs on a restricted host.
	u.env = append(podmanEnv(t, u.home), "HOME="+u.home, "XDG_RUNTIME_DIR="+u.home+"/xdg", "TMPDIR="+u.home+"/tmp",
		"CASVIEW_BIN="+shared.bin, "PATH="+goRoot(t)+"/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	u.own(t)
	// podman keeps a process for the user's namespace.
	t.Cleanup(func() { run(t, "env", append(u.become()[1:], "podman", "system", "migrate")...) })
	return u
}

// own gives the user all that is in the home directory.
func (u *ordinaryUser) own(t *testing.T) {
	t.Helper()
	must(t, filepath.WalkDir(u.home, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, u.uid, u.uid)
	}))
}

// become is what has to stand before a command of the user's.
func (u *ordinaryUser) become(env ...string) []string {
	id := strconv.Itoa(u.uid)
	before := append([]string{"env", "-i"}, u.env...)
	return append(append(before, env...), "setpriv", "--reuid", id, "--regid", id, "--clear-groups")
}

func goRoot(t *testing.T) string { return strings.TrimSpace(run(t, "go", "env", "GOROOT")) }

// copyCheckout copies the checkout, which another user may not be able to read, and makes it one that git takes for the
// user's own.
func copyCheckout(t *testing.T, dir string) {
	t.Helper()
	run(t, "mkdir", dir)
	run(t, "sh", "-euc", `tar -C .. --exclude=./.git --exclude=./.demo --exclude=./bin --exclude=./dist -cf - . | tar -C "$1" -xf -
		git -C "$1" init -q
		git -C "$1" add .`, "sh", dir)
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
