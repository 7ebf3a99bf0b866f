package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// copyPlace is a copy of the inputs that is bind-mounted into the container. The job itself does not pay for the copy: that
// is what a bind mount costs. Whoever needs the inputs unchanged also pays for the copy, and for removing it.
type copyPlace struct {
	from, to string
	dir      string
	copying  time.Duration
}

func newCopyPlace(from, dir string) (*copyPlace, error) {
	return &copyPlace{from: from, to: filepath.Join(dir, "copy"), dir: dir}, os.Mkdir(dir, 0o755)
}

func (p *copyPlace) attach(ctx context.Context, _ string, spec *specs.Spec) (*specs.Spec, error) {
	start := time.Now()
	_, err := output(exec.CommandContext(ctx, "cp", "-r", p.from, p.to))
	p.copying = time.Since(start)
	spec.Mounts = append(spec.Mounts, writableBind(p.to))
	return spec, err
}

func (p *copyPlace) written() (map[string]string, error) {
	return filesIn(filepath.Join(p.to, outputDir))
}

func (p *copyPlace) remove() error {
	start := time.Now()
	_, err := output(exec.Command("rm", "-r", p.to))
	p.copying += time.Since(start)
	return errors.Join(err, os.RemoveAll(p.dir))
}
