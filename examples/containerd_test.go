package examples

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// containerdConfig is a daemon apart from the host's, without what it would have to reach into the host for.
const containerdConfig = `version = 2
root = %q
state = %q
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = %q
`

// startContainerd starts a daemon that ends with the test, and returns its socket.
func startContainerd(t *testing.T) string {
	t.Helper()
	needHost(t)
	dir := tempDir(t)
	socket := filepath.Join(dir, "sock")
	config := writeFile(t, fmt.Sprintf(containerdConfig, filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket), dir, "config.toml")
	var log bytes.Buffer
	t.Cleanup(func() { removeShimState(t) })
	daemon := exec.Command("containerd", "--config", config)
	daemon.Stdout, daemon.Stderr = &log, &log
	// The shims inherit the log: it must not hold up the end.
	daemon.WaitDelay = 5 * time.Second
	must(t, daemon.Start())
	t.Cleanup(func() {
		must(t, daemon.Process.Signal(unix.SIGTERM))
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("containerd: %s", log.String())
		}
	})
	for range 400 {
		if exec.Command("ctr", "--address", socket, "version").Run() == nil {
			return socket
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("containerd does not answer: %s", log.String())
	return ""
}

func ctr(t *testing.T, address string, args ...string) string {
	t.Helper()
	out, err := exec.Command("ctr", append([]string{"--address", address}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ctr %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// removeShimState removes what the shim keeps for runc outside containerd's own directories.
func removeShimState(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob("/run/containerd/runc/casview-*")
	must(t, err)
	for _, dir := range left {
		_ = os.Remove(dir) // only an empty one is nobody's
	}
}
