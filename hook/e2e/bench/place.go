package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// place gives one container its work tree, and knows afterwards what the job has written.
type place interface {
	// attach puts the tree into the bundle's configuration.
	attach(ctx context.Context, bundle string, spec *specs.Spec) (*specs.Spec, error)
	// written returns what there is below the directory "out", by path: a file's SHA-256 in hex, a symlink's target.
	written() (map[string]string, error)
	remove() error
}

// newPlace makes the place for a job that is in no store's way: dir is new and the place's own.
func (s *site) newPlace(c column, j job, id, dir string) (place, error) {
	switch {
	case j.inputs == nil:
		return nothing{}, nil
	case c.driver != "":
		return &viewPlace{column: c, job: j, run: id}, nil
	case c == native:
		return newOverlayPlace(j.inputs.dir, dir)
	case c == fuseOverlayfs:
		return newFuseOverlayPlace(j.inputs.dir, dir)
	case c == bindMount:
		return newCopyPlace(j.inputs.dir, dir)
	}
	return nil, fmt.Errorf("column %s has no place", c.name)
}

// nothing is for jobs without a work tree.
type nothing struct{}

func (nothing) attach(_ context.Context, _ string, spec *specs.Spec) (*specs.Spec, error) {
	return spec, nil
}
func (nothing) written() (map[string]string, error) { return nil, nil }
func (nothing) remove() error                       { return nil }

// outputDir is where jobs put what is compared between columns.
const outputDir = "out"

// filesIn lists a directory as a result does. One that is missing has no files.
func filesIn(dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(filepath.Dir(dir), p)
		if err != nil {
			return err
		}
		all[rel], err = inside.OfFile(p, e.Type())
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Lstat(dir); missing != nil {
			return nil, nil
		}
	}
	return all, err
}
