package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// bundleRuntime is runc or crun, given a bundle directly.
type bundleRuntime struct {
	program string
	place   *site
	image   string
	wrap    func(*testing.T, *exec.Cmd) *exec.Cmd
}

var _ engine = (*bundleRuntime)(nil)

func startRunc(t *testing.T, with setup) engine { return newRunc(t, with) }

func newRunc(t *testing.T, with setup) *bundleRuntime {
	t.Helper()
	return newBundleRuntime(t, "runc", with, func(_ *testing.T, cmd *exec.Cmd) *exec.Cmd { return cmd })
}

func startCrun(t *testing.T, with setup) engine {
	t.Helper()
	return newBundleRuntime(t, "crun", with, plainCgroup2)
}

func newBundleRuntime(t *testing.T, program string, with setup, wrap func(*testing.T, *exec.Cmd) *exec.Cmd) *bundleRuntime {
	t.Helper()
	s := newSite(t, 0, with)
	return &bundleRuntime{program: find(t, program), place: s, image: newRootfs(t, filepath.Join(s.dir, "rootfs"), 0), wrap: wrap}
}

func (r *bundleRuntime) site() *site    { return r.place }
func (r *bundleRuntime) rootfs() string { return r.image }

func (r *bundleRuntime) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	id := j.id
	if id == "" {
		id = unique("c")
	}
	return r.runtime(t, "run", "--bundle", newBundle(t, r, j), id)
}

// runtime is any command of the runtime.
func (r *bundleRuntime) runtime(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return r.wrap(t, exec.Command(r.program, append([]string{"--root", filepath.Join(r.place.dir, "runtime")}, args...)...))
}
