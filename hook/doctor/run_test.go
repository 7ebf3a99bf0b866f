package doctor

import "testing"

// Real engines, with storage and sockets of their own below /run and $T.
const (
	// casview-runtime is told of no configuration, so it takes the usual one.
	usualConfig = `mkdir /etc/casview; cp $T/config.toml /etc/casview
`
	// What a restricted host allows: see hook/e2e.
	ownPodman = `mkdir -p /var/lib/containers; mount -t tmpfs tmpfs /var/lib/containers; : $STATE
printf '[containers]\ndefault_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nlock_type = "file"\n' > /etc/containers/containers.conf
`
	ownContainerd = `mkdir -p /run/containerd; printf 'version = 2\nroot = "%s"\nstate = "/run/containerd/own"\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]\n' $T/containerd > /etc/containerd/config.toml
: $STATE; rm -f /run/containerd/containerd.sock; containerd > $T/log 2>&1 & DAEMON=$!; trap 'kill $DAEMON; wait' EXIT
for i in $(seq 200); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
` + usualConfig
	ownDockerd = `echo '{"bridge": "none", "iptables": false}' > /etc/docker/daemon.json; export DOCKER_HOST=unix://$T/docker.sock
: $STATE; dockerd --data-root $T/docker --exec-root $T/exec --pidfile $T/pid --host $DOCKER_HOST > $T/log 2>&1 & DAEMON=$!; trap 'kill $DAEMON; wait' EXIT
for i in $(seq 200); do docker version >/dev/null 2>&1 && break; sleep 0.1; done
` + usualConfig
	reload = `kill -HUP $DAEMON; for i in $(seq 100); do docker info --format '{{json .Runtimes}}' | grep -q casview-runtime && break; sleep 0.1; done
`
)

// TestRun runs the job of --run for real.
func TestRun(t *testing.T) {
	testSymptoms(t, []symptom{
		{name: "Podman", host: ownPodman + `casview install > /dev/null`, args: []string{"--run", "--engine", "podman"},
			id: Job, subject: "podman", status: OK, what: "a job ran: driver overlay"},
		{name: "Runc",
			host: ownPodman + `casview install > /dev/null; fake podman 'echo podman version 4.3.1'`, args: []string{"--run"},
			id: Job, subject: "runc", status: OK, what: "a job ran: driver overlay"},
		{name: "ContainerdThatDoesNotRun",
			host: ownPodman + `rm -f /run/containerd/containerd.sock; casview install > /dev/null; fake podman 'echo podman version 4.3.1'`,
			args: []string{"--run"}, id: Job, subject: "containerd", status: Skipped, what: "containerd does not answer: ctr "},
		{name: "WithTheFuseDriver", config: "[staging]\ndriver = \"fuse\"\n",
			host: ownPodman + `casview install > /dev/null`, args: []string{"--run", "--engine", "podman"},
			id: Job, subject: "podman", status: OK, what: "a job ran: driver fuse"},
		{name: "HookNotCalled", host: ownPodman + `casview install > /dev/null; sed -i s/inputs// /usr/share/containers/oci/hooks.d/*; sed -i 's/\^io/^no/' /usr/share/containers/oci/hooks.d/*`,
			args: []string{"--run", "--engine", "podman"}, id: Job, subject: "podman", status: Broken, what: "this container runs without its view"},
		{name: "Containerd", host: ownContainerd, args: []string{"--run", "--engine", "containerd"},
			id: Job, subject: "containerd", status: OK, what: "a job ran: driver overlay"},
	})
}

// TestDockerd has a real one, which reads daemon.json when it starts and when it is reloaded.
func TestDockerd(t *testing.T) {
	docker := []string{"--engine", "docker"}
	testSymptoms(t, []symptom{
		{name: "NotReloaded",
			host: ownDockerd + `casview install --engine docker --in-place > /dev/null 2>&1`, args: docker,
			id: EngineRestart, subject: "docker", status: Degraded, what: "does not know"},
		{name: "Reloaded",
			host: ownDockerd + `casview install --engine docker --in-place > /dev/null 2>&1` + "\n" + reload, args: docker,
			id: EngineRestart, subject: "docker", status: OK},
		{name: "Run", config: "[policy]\naccept_env = true\n",
			host: ownDockerd + `casview install --engine docker --in-place > /dev/null 2>&1` + "\n" + reload, args: []string{"--engine", "docker", "--run"},
			id: Job, subject: "docker", status: OK, what: "a job ran: driver"},
	})
}
