// Package inuse owns what runs use in the store: their inputs, and what their results name. It reads run directories; the
// collector of unused blobs (cas/gc) asks it.
package inuse

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/gc"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

var _ gc.Users = (*Users)(nil)

// Users are all runs of a state directory, and others that name trees. It is for one collection and one goroutine.
type Users struct {
	runs   *rundir.Runs
	others func(add func(gc.Root) error) error
	seen   rundir.Seen
	// Unreadable are runs that nobody can collect any more, whose inputs are not known: a power cut tears the run.json of a run
	// that has just begun.
	Unreadable []error
	// Expired are the ended runs that use nothing any more: with Expire they are removed.
	Expired []rundir.RunKey
	// Staged are those that would be among them, but have outputs that are nowhere but in their staging trees.
	Staged []error

	before  time.Time
	expired []*rundir.Dir
}

// New makes the users of a store: all runs but those that ended before a time, which may be zero, and what others adds, which
// may be nil.
func New(runs *rundir.Runs, before time.Time, others func(add func(gc.Root) error) error) *Users {
	if others == nil {
		others = func(func(gc.Root) error) error { return nil }
	}
	return &Users{runs: runs, before: before, others: others, seen: rundir.Seen{}}
}

// Roots implements gc.Users.
func (u *Users) Roots(add func(gc.Root) error) error {
	if err := u.others(add); err != nil {
		return err
	}
	paths, err := u.runs.Unseen(u.seen)
	if err != nil {
		return err
	}
	for _, path := range paths {
		expired, err := u.isExpired(path)
		if err == nil && !expired {
			err = u.run(path, add)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isExpired puts a run on the list of those that are to go.
func (u *Users) isExpired(path string) (bool, error) {
	if u.before.IsZero() {
		return false, nil
	}
	d, err := rundir.OpenPath(path)
	if err != nil {
		return false, nil // run says what there is to say
	}
	ended, err := d.Removable(u.before)
	if errors.Is(err, rundir.ErrStaged) {
		u.Staged = append(u.Staged, fmt.Errorf("run %s: %w", d.Key(), err))
		return false, nil
	}
	if ended {
		u.Expired, u.expired = append(u.Expired, d.Key()), append(u.expired, d)
	}
	return ended, err
}

// Expire implements gc.Users.
func (u *Users) Expire(add func(gc.Root) error) error {
	u.Expired = nil
	for _, d := range u.expired {
		removed, err := d.RemoveIfEnded(u.before)
		if err != nil {
			return fmt.Errorf("run %s: %w", d.Key(), err)
		}
		if removed {
			u.Expired = append(u.Expired, d.Key())
		} else if err := u.run(d.Path(), add); err != nil {
			return err
		}
	}
	return nil
}

// Quiet implements gc.Users.
func (u *Users) Quiet(fn func(begun []gc.Root) error) error {
	return u.runs.Quiet(func() error {
		paths, err := u.runs.Unseen(u.seen)
		if err != nil {
			return err
		}
		var begun []gc.Root
		for _, path := range paths {
			err := u.run(path, func(r gc.Root) error { begun = append(begun, r); return nil })
			if err != nil {
				return err
			}
		}
		return fn(begun)
	})
}

// run adds what one run uses. A run that is gone uses nothing.
func (u *Users) run(path string, add func(gc.Root) error) error {
	of := "run " + filepath.Base(path)
	d, err := rundir.OpenPath(path)
	switch {
	case err == nil:
		// A run without a view is about to get one, or to be refused because its inputs are not there.
		_, noView := d.View()
		if err := add(gc.Root{Digest: d.Spec().InputsRoot, Tree: true, Elsewhere: errors.Is(noView, fs.ErrNotExist), Of: of}); err != nil {
			return err
		}
	case errors.As(err, new(*fs.PathError)) && !errors.Is(err, fs.ErrNotExist):
		return err // what the disk does not give may well be there
	case exists(path):
		u.Unreadable = append(u.Unreadable, fmt.Errorf("%s can't be read: %w", of, err))
	}
	// A plan is there before its result, and may name more than that if it is not complete. It goes when the result is there, so
	// a result that was not there must be looked for again.
	ended, err := addResult(filepath.Join(path, "result.json"), of, add)
	if err == nil {
		_, err = addResult(filepath.Join(path, "plan.json"), of, add)
	}
	if err == nil && !ended {
		_, err = addResult(filepath.Join(path, "result.json"), of, add)
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// addResult adds what a result names, and the result itself, which is a blob too. there is false where there is none.
func addResult(path, of string, add func(gc.Root) error) (there bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r, err := result.Decode(bytes.NewReader(text))
	if err != nil {
		return true, fmt.Errorf("%s: %w: what it names is not known: mend it, or remove the run's folder if nothing of it is wanted", path, err)
	}
	roots := []gc.Root{
		{Digest: cas.Sum(cas.SHA256, text), Of: of},
		{Digest: cas.Sum(cas.BLAKE3, text), Of: of},
		{Digest: r.InputsRoot, Tree: true, Of: of},
		{Digest: r.OutputsRoot, Tree: true, Of: of},
	}
	for _, f := range r.HashedFiles {
		roots = append(roots, gc.Root{Digest: f.Hash, Of: of})
	}
	for _, root := range roots {
		if root.Digest.IsZero() {
			continue
		}
		if err := add(root); err != nil {
			return true, err
		}
	}
	return true, nil
}
