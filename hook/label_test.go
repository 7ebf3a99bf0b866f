package hook

import (
	"testing"

	"github.com/opencontainers/selinux/go-selinux"
)

// Where the kernel has no SELinux the label must not get to it: it would refuse the mount.
func TestMountLabel(t *testing.T) {
	w := newWorld(t)
	w.cfg.View.Marker = true
	c := w.container("job", t.TempDir())
	c.label = "system_u:object_r:container_file_t:s0:c1,c2"
	c.start(false)
	must(t, c.create())
	want := ""
	if selinux.GetEnabled() {
		want = c.label
	}
	if got := w.run("job").Spec().Label; got != want {
		t.Errorf("label %q, want %q", got, want)
	}
	c.stop()
	must(t, c.poststop())
}
