package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// bundleSpec is the OCI configuration of a job, without its work tree.
func (s *site) bundleSpec(j job) (*specs.Spec, error) {
	args, err := j.args()
	if err != nil {
		return nil, err
	}
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	caps := defaultCaps()
	mounts := append(systemMounts(), bind("/bench/bench", own))
	if j.tools {
		for _, dir := range []string{"/usr", "/lib", "/lib64"} {
			mounts = append(mounts, bind(dir, dir))
		}
	}
	return &specs.Spec{
		Version: "1.0.2",
		Process: &specs.Process{
			Args:            args,
			Env:             append([]string{"PATH=/bin:/usr/bin", "HOME=/tmp", "LC_ALL=C", inside.Environment}, j.env...),
			Cwd:             j.cwd(),
			Capabilities:    &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
			NoNewPrivileges: true,
		},
		Root:     &specs.Root{Path: s.rootfs},
		Hostname: "job",
		Mounts:   mounts,
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{
			{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
			{Type: specs.MountNamespace},
		}},
	}, nil
}

// defaultCaps are those that Docker and podman give by default.
func defaultCaps() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
		"CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_SETFCAP",
	}
}

func systemMounts() []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc"},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755", "size=65536k"}},
		{Destination: "/tmp", Type: "tmpfs", Source: "tmp", Options: []string{"nosuid", "nodev", "mode=1777"}},
	}
}

// bind shows a host path read-only in the container.
func bind(container, host string) specs.Mount {
	return specs.Mount{Destination: container, Type: "bind", Source: host, Options: []string{"rbind", "ro"}}
}

func readSpec(bundle string) (*specs.Spec, error) {
	b, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err != nil {
		return nil, err
	}
	var spec specs.Spec
	return &spec, json.Unmarshal(b, &spec)
}

func writeSpec(bundle string, spec *specs.Spec) error {
	b, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(bundle, "config.json"), b, 0o644)
}
