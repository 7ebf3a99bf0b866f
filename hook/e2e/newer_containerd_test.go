//go:build engines

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// containerdCDI is ctr that gets its inputs as CDI devices.
type containerdCDI struct {
	*containerd
	cdiDevices
	etc string
}

var _ engine = (*containerdCDI)(nil)

func startContainerdCDI(t *testing.T, with setup) engine {
	t.Helper()
	s := newSite(t, 0, with)
	c := &containerdCDI{newContainerd(t, s), newCDIDevices(t, s), tempDir(t, 0)}
	removeCgroups(t, c.namespace)
	return c
}

// command has ctr see the specs in /etc/cdi: it is ctr that reads them, and in no other folder.
func (c *containerdCDI) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	j = c.byDevice(t, j)
	args := []string{"--rm", "--rootfs"}
	for k, v := range j.allAnnotations() {
		args = append(args, "--annotation", k+"="+v)
	}
	if j.uid != 0 {
		args = append(args, "--user", fmt.Sprintf("%d:%d", j.uid, j.gid))
	}
	if j.readonly {
		args = append(args, "--read-only")
	}
	args = append(append(args, j.options...), c.image, unique("c"))
	return c.asEtcCDI(t, c.etc, c.run("run", append(args, j.args...)...))
}

// criConfig2 is for containerd 2. Its default handler has no casview, but tells containers their pods' annotations.
const criConfig2 = `version = 3
root = %q
state = %q
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.blockfile",
]
[debug]
  level = "error"
[grpc]
  address = %q
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = %q
[plugins."io.containerd.cri.v1.runtime"]
  disable_cgroup = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  cdi_spec_dirs = [%q]
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["io.casview.*"]
[plugins."io.containerd.cri.v1.runtime".cni]
  conf_dir = %q
`

// startContainerdPods is containerd with the handler that casview install makes.
func startContainerdPods(t *testing.T, with setup) engine {
	t.Helper()
	p := newPods(t, newSite(t, 0, with), nil)
	p.handler = wrapperName
	p.serveContainerd(t, "")
	return p
}

func startContainerdPodsCDI(t *testing.T, with setup) engine {
	t.Helper()
	s := newSite(t, 0, with)
	devices := newCDIDevices(t, s)
	p := newPods(t, s, &devices)
	p.serveContainerd(t, devices.specs)
	return p
}

func (p *pods) serveContainerd(t *testing.T, specs string) {
	t.Helper()
	etc := p.etc(t)
	must(t, os.MkdirAll(filepath.Join(etc, "containerd"), 0o755))
	in := func(name string) string { return filepath.Join(p.dir, name) }
	writeFile(t, fmt.Sprintf(criConfig2, in("root"), in("state"), p.socket, criImage, specs, in("cni")), etc, "containerd/config.toml")
	runc := "/run/containerd/runc/k8s.io" // the shim keeps runc's state there
	if !exists(runc) {
		t.Cleanup(func() { _ = os.Remove(runc) })
	}
	t.Cleanup(func() { noShims(t, p.socket) })
	ctr := func(args ...string) *exec.Cmd {
		return exec.Command(find(t, "ctr"), append([]string{"--address", p.socket, "--namespace", "k8s.io"}, args...)...)
	}
	p.serve(t, etc, []string{"--engine", "containerd", "--in-place"}, []string{find(t, "containerd")},
		func() *exec.Cmd { return ctr("version") })
	output(t, ctr("image", "import", "--local", "--snapshotter", "native", dockerArchive(t, p.dir)))
}
