package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// site is a directory for everything: the inputs, the store with its runs, and the places. One filesystem holds all of
// it.
type site struct {
	top      string // a new directory; dir is it, or in it
	dir      string
	programs string
	inputs   string // root digest
	places   int
}

// newSite makes the inputs and stores them. Their blobs are in the page cache from then on, as are the files of a plain
// directory that has just been made: no column reads from the disk.
func newSite(ctx context.Context, o options) (*site, error) {
	dir, err := os.MkdirTemp(o.dir, "casview-costs-")
	if err != nil {
		return nil, err
	}
	s := &site{top: dir, dir: dir, programs: o.programs}
	if o.filesystem != "" {
		s.dir, err = mountNew(o.filesystem, dir)
	}
	if err == nil {
		err = s.fill(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

func (s *site) fill(ctx context.Context) error {
	for _, data := range []string{"cached", "passthrough"} {
		text := fmt.Sprintf("state = %q\n[staging]\ndata = %q\n", s.path("state"), data)
		if err := os.WriteFile(s.config(data), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := makeInputs(s.path("inputs")); err != nil {
		return err
	}
	root, err := s.casview(ctx, "ingest", s.path("inputs"))
	s.inputs = root
	return errors.Join(err, os.RemoveAll(s.path("inputs")))
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// config is the configuration file for one way of the fuse driver to move data.
func (s *site) config(data string) string { return s.path(data + ".toml") }

func (s *site) remove() error {
	if s.dir != s.top && s.dir != "" {
		if err := unmount(s.dir); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.top)
}

// command is a call of casview.
func (s *site) command(data string, args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(s.programs, "casview"), append([]string{"--config", s.config(data)}, args...)...)
}

// casview returns what one call prints.
func (s *site) casview(ctx context.Context, args ...string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	cmd := s.command("cached", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("casview %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// newDir makes a directory for one place.
func (s *site) newDir() (string, error) {
	s.places++
	dir := s.path("place-" + strconv.Itoa(s.places))
	return dir, os.Mkdir(dir, 0o755)
}
