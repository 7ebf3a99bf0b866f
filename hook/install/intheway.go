package install

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
)

// Obstacle is a file in the way of an installation, which fails because of it.
type Obstacle struct {
	Path string
	// Recorded says that casview wrote it, and somebody has edited it since; otherwise casview knows nothing of it.
	Recorded bool
}

// Obstacles are the files because of which installing on this system fails until they are moved away.
func Obstacles(o Options) ([]Obstacle, error) {
	p, use, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	var out []Obstacle
	for _, m := range use {
		need, err := m.plan(o)
		if err != nil {
			return nil, err
		}
		for _, f := range need.files {
			if f.change != nil {
				continue // a file of the administrator
			}
			old, err := os.ReadFile(f.Path)
			if errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Equal(old, f.Content) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if e, ours := p.record.find(o.onHost(f.Path)); !e.wrote(old) {
				out = append(out, Obstacle{Path: f.Path, Recorded: ours})
			}
		}
	}
	return out, nil
}

// Recorded tells whether a file is on the record beside a configuration.
func Recorded(config, path string) bool {
	r, err := Options{Config: config}.readRecord()
	_, ours := r.find(path)
	return err == nil && ours
}
