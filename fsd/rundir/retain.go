package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RemoveIfEnded removes a run that has had its result since before a time, and reports whether it did. A run whose outputs are
// still staged stays, because they are not all in the store; so does one that somebody works on. With dry it only tells.
func (d *Dir) RemoveIfEnded(before time.Time, dry bool) (bool, error) {
	lock, err := d.TryLock()
	if errors.Is(err, ErrLocked) || errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	info, err := os.Stat(d.ResultPath())
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := os.Lstat(d.UpperPath()); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if dry {
		return true, nil
	}
	return true, d.Remove()
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
