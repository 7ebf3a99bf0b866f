package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/casview/casview/fsd/result"
)

// ErrStaged says that a run has outputs that are nowhere but in its staging tree.
var ErrStaged = errors.New("outputs are still staged")

// Removable reports whether a run has had its result since before a time, and may be removed. It is ErrStaged where that would lose
// something. A run that somebody works on has not ended.
func (d *Dir) Removable(before time.Time) (bool, error) {
	lock, err := d.lockEnded(before)
	if lock == nil || err != nil {
		return false, err
	}
	return true, lock.Close()
}

// RemoveIfEnded removes a run for which Removable is true, and reports whether it did.
func (d *Dir) RemoveIfEnded(before time.Time) (bool, error) {
	lock, err := d.lockEnded(before)
	if lock == nil || err != nil {
		return false, err
	}
	defer lock.Close()
	return true, d.Remove()
}

// lockEnded is nil where the run has not ended.
func (d *Dir) lockEnded(before time.Time) (*Lock, error) {
	lock, err := d.TryLock()
	if errors.Is(err, ErrLocked) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ended, err := d.endedBefore(before)
	if !ended || err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

func (d *Dir) endedBefore(before time.Time) (bool, error) {
	info, err := os.Stat(d.ResultPath())
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r, err := d.Result()
	if err != nil {
		return false, err
	}
	return true, d.allStored(r)
}

// allStored is ErrStaged if the staging tree has a file that the result neither names nor leaves out because it was not asked for.
// Without a complete result the tree stays, also where all of it is stored. Sockets and such can't be stored at all.
func (d *Dir) allStored(r *result.Result) error {
	undeclared := map[string]bool{}
	for _, path := range r.Undeclared {
		undeclared[string(path)] = true
	}
	top := d.UpperPath()
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() && e.Type()&fs.ModeSymlink == 0 {
			return err
		}
		path = path[len(top)+1:]
		stored, err := names(r, path, e)
		if err == nil && (d.spec.StagingDir != "" || !stored && !undeclared[path]) {
			err = fmt.Errorf("%w, like %q", ErrStaged, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// names tells whether a result has a staged file as it is now: somebody may have kept the view and written on.
func names(r *result.Result, path string, e fs.DirEntry) (bool, error) {
	entry, named := r.HashedFiles.Find(path)
	if !named || entry.Kind == result.Symlink {
		return named, nil
	}
	info, err := e.Info()
	return err == nil && info.Size() == entry.Size && info.ModTime().Equal(time.Unix(entry.MtimeSec, int64(entry.MtimeNsec))), err
}

// Tidy removes what hooks that were killed have left: runs that never got their name or have lost it, and what led from
// containers to runs that are gone. What is younger than a time is left alone: somebody may be at work there.
func (r *Runs) Tidy(before time.Time) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".new-") && !strings.HasPrefix(e.Name(), ".gone-") {
			continue
		}
		if path := filepath.Join(r.dir, e.Name()); older(e, before) {
			errs = append(errs, removeTree(path))
		}
	}
	return errors.Join(append(errs, r.tidyContainers(before))...)
}

func (r *Runs) tidyContainers(before time.Time) error {
	entries, err := os.ReadDir(r.containers)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(r.containers, e.Name())
		if !older(e, before) {
			continue
		}
		if _, err := r.follow(path); errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("forget a container: %w", err))
			}
		}
	}
	return errors.Join(errs...)
}

// older is false for what is gone.
func older(e fs.DirEntry, before time.Time) bool {
	info, err := e.Info()
	return err == nil && info.ModTime().Before(before)
}
