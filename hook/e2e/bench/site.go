package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// site is where everything is: one filesystem holds the inputs, the store with its runs, and what jobs write.
type site struct {
	options
	dir     string
	mounted bool   // dir is a filesystem of our own
	rootfs  string // of all containers
	main    *installation
	trees   map[string]*inputs
	number  int
}

func newSite(ctx context.Context, o options, top string) (*site, error) {
	s := &site{options: o, dir: top, trees: map[string]*inputs{}}
	var err error
	if o.filesystem != "" {
		if s.dir, err = mountNew(o.filesystem, top); err != nil {
			return nil, err
		}
		s.mounted = true
	}
	if s.rootfs, err = newRootfs(filepath.Join(s.dir, "rootfs")); err == nil {
		s.main, err = s.install(ctx, "casview")
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close unmounts the filesystem, to find whoever still uses it: the directory is removed by others.
func (s *site) close() error {
	if !s.mounted {
		return nil
	}
	return unmount(s.dir)
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// unique is a name that was not there before.
func (s *site) unique(prefix string) string {
	s.number++
	return prefix + strconv.Itoa(s.number)
}

// newDir makes a directory.
func (s *site) newDir(prefix string) (string, error) {
	dir := s.path(s.unique(prefix))
	return dir, os.Mkdir(dir, 0o755)
}

// sized is a size of something: the smaller one where figures do not matter.
func (s *site) sized(full, quick int) int {
	if s.quick {
		return quick
	}
	return full
}

// settle writes everything, so that nobody pays for what the one before has written.
func (s *site) settle() error {
	if err := syncFilesystem(s.dir); err != nil {
		return fmt.Errorf("between two jobs: %w", err)
	}
	return nil
}
