package runstate

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/casview/casview/fsd/rundir"
)

// Lookup finds a run by its name, or by the id of its container, and of several that a container had the last;
// fs.ErrNotExist when neither is known. An ended run is not found either when the hook has refused a container of that name
// since: whoever asks means the last one.
func Lookup(runs *rundir.Runs, name string) (*rundir.Dir, error) {
	d, err := lookup(runs, name)
	if err != nil {
		return nil, err
	}
	_, refused, none := runs.Refusal(rundir.KeyOfContainer(name))
	if none != nil || refused.Before(d.Spec().Started) {
		return d, nil
	}
	state, err := Of(d)
	if err != nil || state == Live || state == Collecting {
		return d, err
	}
	return nil, fmt.Errorf("run %s: %w", name, fs.ErrNotExist)
}

func lookup(runs *rundir.Runs, name string) (*rundir.Dir, error) {
	if key, err := rundir.ParseRunKey(name); err == nil {
		d, err := runs.Open(key)
		if !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
	}
	d, err := runs.OfContainer(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	// The hook forgets a container when it has ended; its run still names it.
	all, err := runs.List()
	for _, run := range all {
		if name != "" && run.Spec().Container == name && (d == nil || run.Spec().Started.After(d.Spec().Started)) {
			d = run
		}
	}
	if d != nil {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("run %s: %w", name, fs.ErrNotExist)
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
