package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// bundleSpec is the OCI configuration of a job, without casview.
func bundleSpec(rootfs string, j job) *specs.Spec {
	return &specs.Spec{
		Version: "1.0.2",
		Process: &specs.Process{
			Args: j.args,
			Env:  []string{"PATH=/bin:/usr/bin", "HOME=/tmp"},
			Cwd:  "/",
			User: specs.User{UID: uint32(j.uid), GID: uint32(j.gid)},
			Capabilities: &specs.LinuxCapabilities{
				Bounding: defaultCaps, Effective: defaultCaps, Permitted: defaultCaps,
			},
			NoNewPrivileges: true,
		},
		Root:     &specs.Root{Path: rootfs, Readonly: j.readonly},
		Hostname: "job",
		Mounts:   append(systemMounts(), bindMounts(j.binds)...),
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{
			{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
		}},
	}
}

// defaultCaps are those that Docker and podman give by default.
var defaultCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
	"CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_SETFCAP",
}

func systemMounts() []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc"},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755", "size=65536k"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777"}},
		{Destination: "/tmp", Type: "tmpfs", Source: "tmp", Options: []string{"nosuid", "nodev", "mode=1777"}},
	}
}

func bindMounts(binds []bind) []specs.Mount {
	var mounts []specs.Mount
	for _, b := range binds {
		mounts = append(mounts, specs.Mount{Destination: b.container, Type: "bind", Source: b.host, Options: []string{"rbind", "ro"}})
	}
	return mounts
}

// newBundle writes a bundle whose config.json the CLI has given hooks and annotations.
func newBundle(t *testing.T, e engine, j job) string {
	t.Helper()
	dir, err := os.MkdirTemp(e.site().dir, "b")
	must(t, err)
	rootfs := e.rootfs()
	if j.rootfs != "" {
		rootfs = j.rootfs
	}
	spec := bundleSpec(rootfs, j)
	writeSpec(t, dir, spec)
	if j.inputs != "" {
		addCasview(t, e.site(), dir, j)
		spec = readSpec(t, dir)
	}
	if j.edit != nil {
		j.edit(spec)
		writeSpec(t, dir, spec)
	}
	return dir
}

// addCasview lets `casview spec` add the hooks, and then sets the annotations that it would refuse to write: jobs with
// bad ones are tested too.
func addCasview(t *testing.T, s *site, dir string, j job) {
	t.Helper()
	const placeholder = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	if o := s.casview(t, "spec", "--bundle", dir, "--inputs", placeholder); o.code != 0 {
		t.Fatalf("casview spec: exit %d: %s", o.code, o.stderr)
	}
	spec := readSpec(t, dir)
	spec.Annotations = j.allAnnotations()
	writeSpec(t, dir, spec)
}

func readSpec(t *testing.T, dir string) *specs.Spec {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "config.json"))
	must(t, err)
	var spec specs.Spec
	must(t, json.Unmarshal(b, &spec))
	return &spec
}

func writeSpec(t *testing.T, dir string, spec *specs.Spec) {
	t.Helper()
	b, err := json.MarshalIndent(spec, "", "  ")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "config.json"), b, 0o644))
}
