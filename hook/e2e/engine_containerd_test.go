package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// containerd is a daemon of its own, reached on its unix socket with ctr.
type containerd struct {
	ctr, socket, namespace string
	place                  *site
	image                  string
}

var _ engine = (*containerd)(nil)

const containerdConfig = `version = 2
root = %q
state = %q
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.nri.v1.nri",
]
[debug]
  level = "error"
[grpc]
  address = %q
`

func startContainerd(t *testing.T, with setup) engine {
	t.Helper()
	return newContainerd(t, newSite(t, 0, with))
}

func newContainerd(t *testing.T, s *site) *containerd {
	t.Helper()
	dir := tempDir(t, 0)
	c := &containerd{
		ctr: find(t, "ctr"), socket: filepath.Join(dir, "sock"), namespace: filepath.Base(dir),
		place: s, image: newRootfs(t, filepath.Join(s.dir, "rootfs"), 0),
	}
	config := writeFile(t, fmt.Sprintf(containerdConfig, filepath.Join(dir, "root"), filepath.Join(dir, "state"), c.socket), dir, "config.toml")
	c.serve(t, config)
	// The shim keeps runc's state of a namespace outside containerd's own directories.
	t.Cleanup(func() { must(t, os.RemoveAll(filepath.Join("/run/containerd/runc", c.namespace))) })
	return c
}

func (c *containerd) serve(t *testing.T, config string) {
	t.Helper()
	t.Cleanup(func() { noShims(t, c.socket) })
	startEngine(t, exec.Command(find(t, "containerd"), "--config", config), func() *exec.Cmd {
		return exec.Command(c.ctr, "--address", c.socket, "version")
	})
}

// noShims fails the test when a shim of a containerd is left: each ends with its container.
func noShims(t *testing.T, socket string) {
	t.Helper()
	eventually(t, func() error {
		for _, p := range processes() {
			if strings.HasPrefix(filepath.Base(p.exe), "containerd-shim") && slices.Contains(p.args, socket) {
				return fmt.Errorf("left behind: process %d %q", p.pid, p.args)
			}
		}
		return nil
	})
}

func (c *containerd) site() *site    { return c.place }
func (c *containerd) rootfs() string { return c.image }

func (c *containerd) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	spec := filepath.Join(newBundle(t, c, j), "config.json")
	return exec.Command(c.ctr, "--address", c.socket, "--namespace", c.namespace, "run", "--rm", "--config", spec, unique("c"))
}
