//go:build engines

// The engines of these tests are newer than Debian's and take minutes to build, so they are for `make test-engines`, which
// builds them into bin/engines.

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

const newerPrograms = "../../bin/engines"

// newerEngines each have a row in the second table of docs/engines.md.
var newerEngines = []engineKind{
	{"runc", startRunc, []string{"runc"}},
	{"containerd", startContainerd, []string{"containerd", "runc"}},
	{"containerd-runtime", startContainerdRuntime, []string{"containerd", "runc"}},
	{"containerd-cdi", startContainerdCDI, []string{"containerd", "runc"}},
	{"containerd-cri", startContainerdPods, []string{"containerd", "runc"}},
	{"containerd-cri-cdi", startContainerdPodsCDI, []string{"containerd", "runc"}},
	{"docker", startNewerDocker, []string{"docker", "dockerd", "containerd", "runc"}},
	{"docker-cdi", startDockerCDI, []string{"docker", "dockerd", "containerd", "runc"}},
	{"cri-o", startCRIO, []string{"crio", "runc"}},
	{"cri-o-cdi", startCRIOCDI, []string{"crio", "runc"}},
}

// newerFirst lets a test find the newer engines, before those of the system.
func newerFirst(t *testing.T) {
	t.Helper()
	needHost(t)
	dir, err := filepath.Abs(newerPrograms)
	must(t, err)
	if !exists(filepath.Join(dir, "containerd")) {
		t.Fatalf("no engines in %s: make test-engines builds them", dir)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestNewerEngines is TestEngines for the newer ones.
func TestNewerEngines(t *testing.T) {
	newerFirst(t)
	m := matrix{table: "newer", test: "TestNewerEngines", kinds: newerEngines}
	m.run(t)
	m.check(t)
}
