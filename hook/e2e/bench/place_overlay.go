package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// layers are the directories of an overlay: the inputs below, and what the job writes, on the same disk.
type layers struct {
	lower, upper, work string
	dir                string // has upper and work
}

func newLayers(lower, dir string) (layers, error) {
	l := layers{lower: lower, upper: filepath.Join(dir, "upper"), work: filepath.Join(dir, "work"), dir: dir}
	return l, errors.Join(os.MkdirAll(l.upper, 0o755), os.Mkdir(l.work, 0o755))
}

func (l layers) options() []string {
	return []string{"lowerdir=" + l.lower, "upperdir=" + l.upper, "workdir=" + l.work}
}

func (l layers) written() (map[string]string, error) {
	return filesIn(filepath.Join(l.upper, outputDir))
}
func (l layers) remove() error { return os.RemoveAll(l.dir) }

// overlayPlace is what engines give containers: the kernel's overlayfs over a directory. The runtime mounts it.
type overlayPlace struct{ layers }

func newOverlayPlace(lower, dir string) (*overlayPlace, error) {
	l, err := newLayers(lower, dir)
	return &overlayPlace{l}, err
}

func (p *overlayPlace) attach(_ context.Context, _ string, spec *specs.Spec) (*specs.Spec, error) {
	m := specs.Mount{Destination: target, Type: "overlay", Source: "overlay", Options: p.options()}
	spec.Mounts = append(spec.Mounts, m)
	return spec, nil
}

// fuseOverlayPlace is fuse-overlayfs, as rootless engines use it where the kernel has no overlayfs for them.
type fuseOverlayPlace struct {
	layers
	merged string
}

func newFuseOverlayPlace(lower, dir string) (*fuseOverlayPlace, error) {
	l, err := newLayers(lower, dir)
	p := &fuseOverlayPlace{l, filepath.Join(dir, "merged")}
	return p, errors.Join(err, os.Mkdir(p.merged, 0o755))
}

func (p *fuseOverlayPlace) attach(ctx context.Context, _ string, spec *specs.Spec) (*specs.Spec, error) {
	var args []string
	for _, o := range p.options() {
		args = append(args, "-o", o)
	}
	if _, err := output(exec.CommandContext(ctx, "fuse-overlayfs", append(args, p.merged)...)); err != nil {
		return nil, err
	}
	spec.Mounts = append(spec.Mounts, writableBind(p.merged))
	return spec, nil
}

func (p *fuseOverlayPlace) remove() error {
	return errors.Join(unmount(p.merged), p.layers.remove())
}

func writableBind(dir string) specs.Mount {
	return specs.Mount{Destination: target, Type: "bind", Source: dir, Options: []string{"rbind", "rw"}}
}
