package conformance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// drivers are what the suite runs on: the staging drivers, and the other way of the fuse driver to move data.
func drivers() []string { return []string{"overlay", "fuse", fusePassthrough} }

const fusePassthrough = "fuse-passthrough"

// choose turns one of drivers into what a run asks for.
func choose(driver string) (name, data string) {
	if driver == fusePassthrough {
		return "fuse", "passthrough"
	}
	return driver, "cached"
}

// onEachDriver runs fn as one subtest for each driver.
func onEachDriver(t *testing.T, fn func(t *testing.T, driver string)) {
	t.Helper()
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			needMounts(t)
			fn(t, driver)
		})
	}
}

// options say what view to mount. The zero value of each field is a good one, but for the driver.
type options struct {
	driver string
	inputs inputs
	// state is a state directory, which is made if it is missing.
	state string
	// gomaxprocs is the daemon's.
	gomaxprocs int
	// fewFiles makes the fuse driver open files again and again that it would keep open otherwise.
	fewFiles bool
	// shortOfMemory is for the model test.
	shortOfMemory bool
	// edit may change what else the run is asked for.
	edit func(*rundir.Spec)
}

// mounted is a view at a directory. End must have been called, by the test or by its cleanup, before its temporary
// directories go.
type mounted struct {
	t *testing.T
	// Dir is the view. The test may use it by itself: another process serves it.
	Dir string
	// Upper is the staging tree.
	Upper string

	run    *rundir.Dir
	store  *cas.Local
	daemon *daemon
	over   bool
	result *result.Result
	// incomplete says that the test looks at the status of the result itself.
	incomplete bool
}

// mountView mounts a view, or ends the test. A test that fails shows the daemon's log.
func mountView(t *testing.T, o options) *mounted {
	t.Helper()
	m, err := tryMountView(t, o)
	must(t, err)
	return m
}

// tryMountView is mountView for a test that expects the daemon's refusal, which is the error.
func tryMountView(t *testing.T, o options) (*mounted, error) {
	t.Helper()
	needMounts(t)
	if o.state == "" {
		o.state = filepath.Join(t.TempDir(), "state")
	}
	m := &mounted{t: t, Dir: filepath.Join(t.TempDir(), "view")}
	must(t, os.Mkdir(m.Dir, 0o755))
	var err error
	m.store, err = cas.OpenLocal(filepath.Join(o.state, "store"), cas.SHA256)
	must(t, err)
	t.Cleanup(func() { m.store.Close() })
	lock := m.create(o)
	defer lock.Close()
	m.daemon = startDaemon(t, m.run, lock, o)
	t.Cleanup(m.cleanup)
	if err := m.daemon.attach(m.Dir); err != nil {
		m.over = true
		return nil, errors.Join(err, m.daemon.wait(patience))
	}
	m.watch()
	return m, nil
}

// create makes the run.
func (m *mounted) create(o options) *rundir.Lock {
	m.t.Helper()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	must(m.t, err)
	name, data := choose(o.driver)
	spec := rundir.Spec{
		Nonce: rundir.NewNonce(), Run: "job", Container: "job", InputsRoot: o.inputs.store(m.t, m.store), Target: "/workspace",
		Started: time.Now(), BootID: strings.TrimSpace(string(boot)),
		Store: m.store.Dir(), Digest: "sha256", Verify: "insert", Driver: name, Data: data,
		SpecialFiles: "skip", Timeout: time.Minute, LogLevel: "debug",
	}
	if o.edit != nil {
		o.edit(&spec)
	}
	runs, err := rundir.OpenRuns(o.state)
	must(m.t, err)
	run, lock, err := runs.Create(spec)
	must(m.t, err)
	m.run, m.Upper = run, run.UpperPath()
	return lock
}

// patience is for how long a daemon may collect.
const patience = time.Minute

// watch ends the daemon shortly before the tests run out of time. Who waits for it can't even be killed; now their system
// calls fail, and the daemon's stderr says what it was at.
func (m *mounted) watch() {
	deadline, ok := m.t.Deadline()
	if !ok {
		return
	}
	timer := time.AfterFunc(time.Until(deadline)-20*time.Second, func() { _ = m.daemon.process.Signal(syscall.SIGQUIT) })
	m.t.Cleanup(func() { timer.Stop() })
}

// End unmounts the view, waits until it is collected and returns the result. It may be called again.
func (m *mounted) End() *result.Result {
	m.t.Helper()
	if m.over {
		return m.result
	}
	m.over = true
	err := m.unmount()
	if err != nil {
		_ = m.daemon.process.Signal(syscall.SIGTERM) // it would wait for the view's end
	}
	must(m.t, errors.Join(err, m.daemon.wait(patience)))
	m.result, err = m.run.Result()
	must(m.t, err)
	if m.result.Status != result.Complete && !m.incomplete {
		m.t.Errorf("the result is %s: %q", m.result.Status, m.result.Errors)
	}
	return m.result
}

// unmount takes the view away. It may be busy for a moment, until the daemon, which need not hurry, has closed its own
// descriptor of the mount.
func (m *mounted) unmount() error {
	err := unix.Unmount(m.Dir, unix.UMOUNT_NOFOLLOW)
	for deadline := time.Now().Add(5 * time.Second); errors.Is(err, unix.EBUSY) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
		err = unix.Unmount(m.Dir, unix.UMOUNT_NOFOLLOW)
	}
	if errors.Is(err, unix.EBUSY) {
		err = errors.Join(errors.New("the test still uses the view"), unix.Unmount(m.Dir, unix.MNT_DETACH))
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", m.Dir, err)
	}
	return nil
}

func (m *mounted) cleanup() {
	m.End()
	if !m.t.Failed() {
		return
	}
	if b, err := os.ReadFile(m.run.LogPath()); err == nil {
		m.t.Logf("the daemon's log:\n%s", b)
	}
}

// dropCaches makes the kernel forget all names of the view that nobody has open, so that they are looked up again. Only
// the caches of this view go (kernel: reconfigure_super).
func (m *mounted) dropCaches() error {
	fd, err := unix.Fspick(unix.AT_FDCWD, m.Dir, unix.FSPICK_CLOEXEC)
	if err != nil {
		return fmt.Errorf("fspick %s: %w", m.Dir, err)
	}
	defer unix.Close(fd)
	if err := unix.FsconfigReconfigure(fd); err != nil {
		return fmt.Errorf("reconfigure %s: %w", m.Dir, err)
	}
	return nil
}
