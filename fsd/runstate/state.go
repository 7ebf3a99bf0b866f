// Package runstate owns the view from outside on a run: how far it is, and waiting for its result. It only reads the run
// directory; the CLI uses it.
package runstate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// State is how far a run is.
type State string

// Complete, Partial and Failed are results. Uncollected: the job is over, but the daemon died before there was a result;
// `casview recover` makes one from disk.
const (
	Live        State = "live"
	Collecting  State = "collecting"
	Uncollected State = "uncollected"
	Complete    State = State(result.Complete)
	Partial     State = State(result.Partial)
	Failed      State = State(result.Failed)
)

// Over tells whether the run has a result.
func (s State) Over() bool { return s == Complete || s == Partial || s == Failed }

// Of returns a run's state. It looks at the lock by taking it for a moment, so it is for people, not for tight loops.
func Of(d *rundir.Dir) (State, error) {
	state, err := ofResult(d)
	if !errors.Is(err, fs.ErrNotExist) {
		return state, err
	}
	lock, err := d.TryLock()
	if errors.Is(err, rundir.ErrLocked) {
		return whileHeld(d)
	}
	if err != nil {
		return "", err
	}
	defer lock.Close()
	// The daemon may have written the result and ended between the two looks.
	state, err = ofResult(d)
	if errors.Is(err, fs.ErrNotExist) {
		return Uncollected, nil
	}
	return state, err
}

// whileHeld tells the job from the collection after it.
func whileHeld(d *rundir.Dir) (State, error) {
	_, err := d.Ended()
	if errors.Is(err, fs.ErrNotExist) {
		return Live, nil
	}
	return Collecting, err
}

func ofResult(d *rundir.Dir) (State, error) {
	f, err := os.Open(d.ResultPath())
	if err != nil {
		return "", err
	}
	defer f.Close()
	s, err := Status(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.ResultPath(), err)
	}
	return State(s), nil
}

// Status reads a result no further than its status, which stands near the top: a result may have a million files.
func Status(r io.Reader) (result.Status, error) {
	dec := json.NewDecoder(r)
	if _, err := dec.Token(); err != nil {
		return "", err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", err
		}
		if key == "status" {
			var s result.Status
			return s, dec.Decode(&s)
		}
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return "", err
		}
	}
	return "", errors.New("no status in the result")
}
