package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// beginTimeout bounds how long a run waits to begin. A collector of unused blobs makes it wait for milliseconds.
const beginTimeout = 10 * time.Second

// lockBegin takes the flock of `<state>/begin.lock`. A run that begins shares it (LOCK_SH) for the moment in which its directory
// gets its name; whoever must be sure that none begins has it alone (LOCK_EX). flock has no timeout, so this asks again with
// growing pauses.
func (r *Runs) lockBegin(how int) (*os.File, error) {
	f, err := os.OpenFile(r.begin, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(beginTimeout)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if err == unix.EINTR {
			continue
		}
		if err != unix.EWOULDBLOCK || time.Now().After(until) {
			f.Close()
			return nil, fmt.Errorf("%s: flock: %w (held by casview gc, or by runs that begin)", r.begin, err)
		}
		time.Sleep(pause)
	}
}

// Seen tells runs that were listed from those that begin afterwards.
type Seen map[seen]bool

type seen struct {
	name string
	ino  uint64
	sec  int64
	nsec int64
}

// identify finds a run's own run.json, which is written before the run gets its name and never again. A run that has lost it is
// known by its name.
func (r *Runs) identify(name string) (seen, error) {
	var st unix.Stat_t
	path := filepath.Join(r.dir, name, specName)
	if err := unix.Lstat(path, &st); err != nil {
		return seen{name: name}, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	return seen{name: name, ino: st.Ino, sec: st.Mtim.Sec, nsec: st.Mtim.Nsec}, nil
}

// Unseen returns the paths of all runs that are not in s, and adds them to it. It looks at one file's attributes for each run.
func (r *Runs) Unseen(s Seen) ([]string, error) {
	f, err := os.Open(r.dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			continue
		}
		id, err := r.identify(name)
		if errors.Is(err, unix.ENOTDIR) {
			continue // a file of somebody's
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if !s[id] {
			s[id] = true
			paths = append(paths, filepath.Join(r.dir, name))
		}
	}
	return paths, nil
}

// Quiet calls fn at a moment at which no run can begin until it returns. It must return within milliseconds: containers wait
// for it.
func (r *Runs) Quiet(fn func() error) error {
	lock, err := r.lockBegin(unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	return fn()
}
