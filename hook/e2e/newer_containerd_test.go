//go:build engines

package e2e

import (
	"fmt"
	"os/exec"
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
	return &containerdCDI{newContainerd(t, s), newCDIDevices(t, s), tempDir(t, 0)}
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
