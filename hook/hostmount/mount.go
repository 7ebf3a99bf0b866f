package hostmount

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/daemon"
)

// readyTimeout bounds how long the daemon may take for a view, which takes milliseconds.
const readyTimeout = 30 * time.Second

// Mount is a view at a directory. Its methods may be called concurrently, Close only after Wait has returned.
type Mount struct {
	dir    string // absolute, without symlinks: as it stands in mountinfo
	run    *rundir.Dir
	daemon *daemon.Daemon
	claim  *os.File
}

// Start makes a run and attaches its view. On error nothing of it is left.
func Start(ctx context.Context, cfg config.Config, o Options) (*Mount, error) {
	if err := mayMount(); err != nil {
		return nil, err
	}
	place, path, err := openPlace(o.Dir)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	staging, claim, err := claimStaging(o.Staging)
	if err != nil {
		return nil, err
	}
	m := &Mount{dir: path, claim: claim}
	if err := m.start(ctx, cfg, o, staging, place); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func openPlace(dir string) (place *os.File, path string, err error) {
	if path, err = filepath.Abs(dir); err != nil {
		return nil, "", err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, "", err
	}
	place, err = os.OpenFile(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	return place, path, err
}

func (m *Mount) start(ctx context.Context, cfg config.Config, o Options, staging string, place *os.File) error {
	spec, err := o.spec(cfg, m.dir, staging)
	if err != nil {
		return err
	}
	runs, err := rundir.OpenRuns(cfg.State)
	if err != nil {
		return err
	}
	run, lock, err := runs.Create(spec)
	if err != nil {
		return err
	}
	defer lock.Close()
	m.run = run
	m.daemon, err = daemon.StartFSD(o.FSD, run, lock)
	if err != nil {
		return errors.Join(err, run.Remove())
	}
	if err := m.attach(ctx, place); err != nil {
		m.daemon.Kill()
		_, unmountErr := m.Unmount()
		return errors.Join(err, unmountErr, run.Remove())
	}
	return nil
}

func (m *Mount) attach(ctx context.Context, place *os.File) error {
	_, view, err := m.daemon.Ready(ctx, readyTimeout)
	if err != nil {
		return err
	}
	defer view.Close()
	err = unix.MoveMount(int(view.Fd()), "", int(place.Fd()), "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		// The namespace of the mounts belongs to another user namespace, as after `unshare -r` without -m.
		return fmt.Errorf("%s: move_mount: %w: this mount namespace is not this user's: put `unshare -rm` or `podman unshare` before the command", m.dir, err)
	}
	if err != nil {
		return fmt.Errorf("%s: move_mount: %w", m.dir, err)
	}
	return m.daemon.Attached()
}

// Run is the run that the view belongs to.
func (m *Mount) Run() *rundir.Dir { return m.run }

// Dir is where the view is.
func (m *Mount) Dir() string { return m.dir }

// Wait returns when the daemon has ended: the view is gone from everywhere and the run collected. The daemon's error is
// worth telling only if there is no result.
func (m *Mount) Wait() error { return m.daemon.Wait() }

// Collect asks the daemon to make a result while something still uses the view.
func (m *Mount) Collect() error { return unix.Kill(m.daemon.PID(), unix.SIGTERM) }

// Close gives up the claim on the staging directory.
func (m *Mount) Close() error {
	if m.claim == nil {
		return nil
	}
	return m.claim.Close()
}
