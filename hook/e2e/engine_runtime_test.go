package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// containerdRuntime is containerd with casview-runtime in place of runc: containers come with annotations and without hooks.
type containerdRuntime struct {
	*containerd
	binary string
}

var _ engine = (*containerdRuntime)(nil)

func startContainerdRuntime(t *testing.T, with setup) engine {
	t.Helper()
	return newContainerdRuntime(t, with)
}

func newContainerdRuntime(t *testing.T, with setup) *containerdRuntime {
	t.Helper()
	c := newContainerd(t, newSite(t, 0, with))
	return &containerdRuntime{c, runtimeScript(t, c.place)}
}

// runtimeScript is casview-runtime with the site's configuration, for engines that give it no arguments of its own.
func runtimeScript(t *testing.T, s *site) string {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\nexec %s --casview-config %s \"$@\"\n", filepath.Join(shared.bin, "casview-runtime"), s.config)
	path := writeFile(t, text, s.dir, "casview-runtime.sh")
	must(t, os.Chmod(path, 0o755))
	return path
}

func (c *containerdRuntime) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	spec := filepath.Join(plainBundle(t, c, j), "config.json")
	return exec.Command(c.ctr, "--address", c.socket, "--namespace", c.namespace, "run", "--rm", "--runc-binary", c.binary,
		"--config", spec, unique("c"))
}

// plainBundle is a bundle without hooks, as an engine writes it that knows nothing of casview.
func plainBundle(t *testing.T, e engine, j job) string {
	t.Helper()
	annotations, edit := j.allAnnotations(), j.edit
	j.inputs, j.edit = "", nil
	bundle := newBundle(t, e, j)
	spec := readSpec(t, bundle)
	spec.Annotations = annotations
	if edit != nil {
		edit(spec)
	}
	writeSpec(t, bundle, spec)
	return bundle
}
