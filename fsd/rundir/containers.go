package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// containerRef leads from a container to its run. The nonce guards against a late poststop that would meet a newer run
// of the same name.
type containerRef struct {
	Run   RunKey `json:"run"`
	Nonce string `json:"nonce"`
}

// BindContainer records which run a container has.
func (r *Runs) BindContainer(id string, d *Dir) error {
	b, err := json.Marshal(containerRef{Run: d.Key(), Nonce: d.spec.Nonce})
	if err != nil {
		return err
	}
	tmp := r.containerFile(id) + "." + d.spec.Nonce
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, r.containerFile(id))
}

// OfContainer finds a container's run; fs.ErrNotExist when it has none, or when its name has passed to a newer run.
func (r *Runs) OfContainer(id string) (*Dir, error) {
	return r.follow(r.containerFile(id))
}

// Bound returns the runs of all containers that have been given one and not been forgotten: all that are live, and those
// whose container's end nobody has reported.
func (r *Runs) Bound() ([]*Dir, error) {
	entries, err := os.ReadDir(r.containers)
	if err != nil {
		return nil, err
	}
	var out []*Dir
	for _, e := range entries {
		d, err := r.follow(filepath.Join(r.containers, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// follow leads from a container's file to its run.
func (r *Runs) follow(file string) (*Dir, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var ref containerRef
	if err := json.Unmarshal(b, &ref); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, key := range []RunKey{ref.Run, ref.Run.aside(ref.Nonce)} {
		d, err := r.Open(key)
		if err == nil && d.spec.Nonce == ref.Nonce {
			return d, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("run of container %s: %w", filepath.Base(file), fs.ErrNotExist)
}

// UnbindContainer forgets a container. It is no error when it was not known.
func (r *Runs) UnbindContainer(id string) error {
	err := os.Remove(r.containerFile(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (r *Runs) containerFile(id string) string {
	return filepath.Join(r.containers, string(KeyOfContainer(id)))
}
