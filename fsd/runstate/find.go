package runstate

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/casview/casview/fsd/rundir"
)

// Lookup finds a run by its name, or by the id of its container; fs.ErrNotExist when neither is known.
func Lookup(runs *rundir.Runs, name string) (*rundir.Dir, error) {
	if key, err := rundir.ParseRunKey(name); err == nil {
		d, err := runs.Open(key)
		if !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
	}
	return runs.OfContainer(name)
}

// Find finds the run with this nonce, under its name or where it was moved aside; fs.ErrNotExist when it is gone.
func Find(runs *rundir.Runs, key rundir.RunKey, nonce string) (*rundir.Dir, error) {
	d, err := runs.Open(key)
	if err == nil && d.Spec().Nonce == nonce {
		return d, nil
	}
	all, err := runs.List()
	for _, d := range all {
		if d.Spec().Nonce == nonce {
			return d, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("run %s: %w", key, fs.ErrNotExist)
}
