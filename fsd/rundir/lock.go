package rundir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked means that somebody else works on the run: its daemon lives, or somebody collects it.
var ErrLocked = errors.New("the run is in use")

// Lock is the run's flock. It belongs to the open file: the hook takes it and hands the descriptor to the daemon, so
// there is no moment at which a live run is unlocked.
type Lock struct{ f *os.File }

// File is the descriptor to hand to the daemon.
func (l *Lock) File() *os.File { return l.f }

// Close gives up this process's share of the lock.
func (l *Lock) Close() error { return l.f.Close() }

// TryLock takes the lock, or returns ErrLocked. It is fs.ErrNotExist if the run was moved aside or removed since it was
// opened: what stands at its path then is another run, or none.
func (d *Dir) TryLock() (*Lock, error) {
	l, err := tryLock(d.file(lockName), 0)
	if err != nil {
		return nil, err
	}
	if err := d.stillHere(l); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// stillHere checks that the run and its lock are at its path. Runs are moved only under their lock, so that stays so.
func (d *Dir) stillHere(l *Lock) error {
	held, err := l.f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(d.file(lockName))
	if err != nil {
		return err
	}
	var now Spec
	if err := d.readJSON(specName, &now); err != nil {
		return err
	}
	if !os.SameFile(held, named) || now.Nonce != d.spec.Nonce {
		return fmt.Errorf("%s: the name has passed to another run: %w", d.path, fs.ErrNotExist)
	}
	return nil
}

// tryLock makes the file only where create is os.O_CREATE: a lock that was made in a run that is being removed would keep
// its directory.
func tryLock(path string, create int) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|create|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", path, ErrLocked)
		}
		return nil, fmt.Errorf("%s: flock: %w", path, err)
	}
	return &Lock{f: f}, nil
}

// WaitLock takes the lock as soon as it is free, or returns the context's error. flock has no timeout, so it asks again
// with growing pauses (1 ms to 50 ms).
func (d *Dir) WaitLock(ctx context.Context) (*Lock, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		l, err := d.TryLock()
		if !errors.Is(err, ErrLocked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}
