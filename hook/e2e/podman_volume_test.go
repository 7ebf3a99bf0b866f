package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A volume at the target is a place for the view like any other directory: the view covers it, and nothing of the job gets
// into it.
func TestVolumeAtTheTarget(t *testing.T) {
	for _, c := range []struct {
		name  string
		start func(*testing.T, setup) engine
		way   staging
	}{{"root", startPodmanRunc, onOverlay}, {"rootless", startPodmanRootless, onFUSE}} {
		t.Run(c.name, func(t *testing.T) {
			e := c.way.start(t, c.start)
			volume := filepath.Join(e.site().dir, "volume")
			must(t, os.Mkdir(volume, 0o755))
			writeFile(t, "precious\n", volume, "kept")
			chownTree(t, volume, e.site().uid)
			for _, option := range [][]string{
				{"--volume", volume + ":/workspace"}, {"--read-only", "--volume", volume + ":/workspace:ro"},
				{"--volume", "named:/workspace"}, {"--volume", "/workspace"}, {"--tmpfs", "/workspace"},
			} {
				coversVolume(t, e, option)
			}
			if got := names(t, volume); !slices.Equal(got, []string{"kept"}) {
				t.Errorf("the volume has %q", got)
			}
		})
	}
}

func coversVolume(t *testing.T, e engine, options []string) {
	t.Helper()
	s := e.site()
	name := unique("volume")
	j := sh(s.store(t, file{path: "in", content: "in\n"}), name, "ls; echo out > out")
	j.options = options
	if o := succeed(t, e, j); o.stdout != "in\n" {
		t.Errorf("%s: the job sees %q", strings.Join(options, " "), o.stdout)
	}
	wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
	s.noProcesses(t)
	s.noMounts(t)
	if got := names(t, filepath.Join(e.(*podman).dir, "root/volumes/named/_data")); len(got) != 0 {
		t.Errorf("the named volume has %q", got)
	}
}
