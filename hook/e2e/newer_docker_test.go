//go:build engines

package e2e

import (
	"os/exec"
	"testing"
)

// startNewerDocker is a Docker that has annotations.
func startNewerDocker(t *testing.T, with setup) engine {
	t.Helper()
	return newDockerOf(t, newSite(t, 0, with), nil)
}

// dockerCDI is Docker with its own runtime, that gets its inputs as CDI devices.
type dockerCDI struct {
	*docker
	cdiDevices
}

var _ engine = (*dockerCDI)(nil)

func startDockerCDI(t *testing.T, with setup) engine {
	t.Helper()
	s := newSite(t, 0, with)
	devices := newCDIDevices(t, s)
	d := newDockerOf(t, s, map[string]any{"cdi-spec-dirs": []string{devices.specs}})
	d.runtime = ""
	return &dockerCDI{d, devices}
}

func (d *dockerCDI) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	return d.docker.command(t, d.byDevice(t, j))
}
