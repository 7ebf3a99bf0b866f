package runstate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/casview/casview/fsd/rundir"
)

// longestPause bounds how late a result is seen. A stat of one name costs about a microsecond.
const longestPause = 10 * time.Millisecond

// Handle holds on to one run, also when a newer run takes its name and this one is moved aside.
type Handle struct {
	dir  *os.Root
	spec rundir.Spec
}

// Hold takes hold of the run at d's path. fs.ErrNotExist when another run has that path by now.
func Hold(d *rundir.Dir) (*Handle, error) {
	root, err := os.OpenRoot(d.Path())
	if err != nil {
		return nil, err
	}
	h := &Handle{dir: root, spec: d.Spec()}
	if err := h.checkNonce(); err != nil {
		root.Close()
		return nil, err
	}
	return h, nil
}

func (h *Handle) checkNonce() error {
	b, err := h.dir.ReadFile("run.json")
	if err != nil {
		return err
	}
	var found struct {
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal(b, &found); err != nil {
		return fmt.Errorf("%s: %w", h.dir.Name(), err)
	}
	if found.Nonce != h.spec.Nonce {
		return fmt.Errorf("run %s: its name belongs to another run: %w", h.spec.Run, fs.ErrNotExist)
	}
	return nil
}

// Spec is what was asked for.
func (h *Handle) Spec() rundir.Spec { return h.spec }

// Close lets go.
func (h *Handle) Close() error { return h.dir.Close() }

// Result waits until the run has a result and returns the bytes of result.json, a few milliseconds late at most; else the
// context's error. fs.ErrNotExist when the run was removed meanwhile: its container never started.
func (h *Handle) Result(ctx context.Context) ([]byte, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		b, err := h.dir.ReadFile("result.json")
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
		if _, err := h.dir.Stat("run.json"); err != nil {
			return nil, fmt.Errorf("run %s: %w", h.spec.Run, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Next waits for a run called key to start, other than the one with the nonce old, and takes hold of it; else the
// context's error.
func Next(ctx context.Context, runs *rundir.Runs, key rundir.RunKey, old string) (*Handle, error) {
	for {
		d, err := runs.Open(key)
		if err == nil && d.Spec().Nonce != old {
			h, err := Hold(d)
			if !errors.Is(err, fs.ErrNotExist) {
				return h, err
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(longestPause):
		}
	}
}

// Path is where the run is now. It looks through all runs if the run was moved aside.
func (h *Handle) Path(runs *rundir.Runs) (string, error) {
	d, err := Find(runs, h.spec.Run, h.spec.Nonce)
	if err != nil {
		return "", err
	}
	return d.Path(), nil
}
