//go:build engines

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// crioConfig keeps CRI-O within a folder, with the storage that podman has filled.
const crioConfig = `[crio]
root = "%[1]s/root"
runroot = "%[1]s/runroot"
storage_driver = "vfs"
log_dir = "%[1]s/logs"
version_file = "%[1]s/version"
clean_shutdown_file = "%[1]s/clean.shutdown"
internal_wipe = false
[crio.api]
listen = "%[2]s"
stream_address = "127.0.0.1"
stream_port = "0"
[crio.runtime]
default_runtime = "runc"
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
container_exits_dir = "%[1]s/exits"
container_attach_socket_dir = "%[1]s/attach"
namespaces_dir = "%[1]s/ns"
irqbalance_config_file = ""
irqbalance_config_restore_file = "disable"
pinns_path = "%[3]s"
log_level = "warn"
enable_criu_support = false
cdi_spec_dirs = ["%[4]s"]
hooks_dir = []
[crio.runtime.runtimes.runc]
runtime_path = "%[5]s"
runtime_root = "%[1]s/runc"
monitor_path = "%[6]s"
monitor_cgroup = "pod"
[crio.image]
pause_image = "%[7]s"
pause_command = "/bin/sleep 600"
[crio.network]
network_dir = "%[1]s/cni"
plugin_dirs = ["%[1]s/cni"]
[crio.nri]
enable_nri = false
[crio.stats]
stats_collection_period = 0
`

// startCRIO is CRI-O with the hooks that casview install makes.
func startCRIO(t *testing.T, with setup) engine {
	t.Helper()
	p := newPods(t, newSite(t, 0, with), nil)
	p.serveCRIO(t, "")
	return p
}

func startCRIOCDI(t *testing.T, with setup) engine {
	t.Helper()
	s := newSite(t, 0, with)
	devices := newCDIDevices(t, s)
	p := newPods(t, s, &devices)
	p.serveCRIO(t, devices.specs)
	return p
}

func (p *pods) serveCRIO(t *testing.T, specs string) {
	t.Helper()
	etc := p.etc(t)
	in := func(name string) string { return filepath.Join(p.dir, name) }
	hooks := in("hooks.d")
	for _, dir := range []string{filepath.Join(etc, "crio/crio.conf.d"), hooks, in("cni"), in("ns")} {
		must(t, os.MkdirAll(dir, 0o755))
	}
	config := fmt.Sprintf(crioConfig, p.dir, p.socket, find(t, "pinns"), specs, find(t, "runc"), find(t, "conmon"), criImage)
	writeFile(t, config, etc, "crio/crio.conf")
	podman := []string{"--root", in("root"), "--runroot", in("runroot"), "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"}
	output(t, exec.Command(find(t, "podman"), append(podman, "load", "--quiet", "--input", dockerArchive(t, p.dir))...))
	p.serve(t, etc, []string{"--engine", "crio", "--hooks-dir", hooks}, []string{find(t, "crio")}, func() *exec.Cmd {
		return exec.Command(find(t, "crio"), "status", "--socket", p.socket, "info")
	})
}
