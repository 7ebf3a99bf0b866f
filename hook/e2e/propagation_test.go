package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A root filesystem on a shared mount, in a container that shares its mounts: the view is seen in the container alone.
func TestViewIsNotPropagatedToTheHost(t *testing.T) {
	for _, propagation := range []string{"", "shared", "slave", "private"} {
		t.Run("Rootfs"+propagation, func(t *testing.T) {
			r := newRunc(t, nil)
			shareMount(t, r.image)
			j := job{inputs: r.place.store(t, file{path: "in", content: "in\n"}), run: unique("shared")}
			j.edit = func(s *specs.Spec) { s.Linux.RootfsPropagation = propagation }
			w := startWaiting(t, r, j)
			source := r.place.open(t, w.name).Spec().MountSource()
			b, err := os.ReadFile("/proc/self/mountinfo")
			must(t, err)
			if strings.Contains(string(b), source) {
				t.Errorf("the host sees the view %s", source)
			}
			w.kill(t)
			w.engine.wait(t)
			r.place.complete(t, w.name)
			nothingLeft(t, r, w.name)
		})
	}
}

// shareMount makes a directory a mount of its own whose mounts are seen in every copy of it.
func shareMount(t *testing.T, dir string) {
	t.Helper()
	must(t, unix.Mount(dir, dir, "", unix.MS_BIND, ""))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	must(t, unix.Mount("", dir, "", unix.MS_SHARED, ""))
}
