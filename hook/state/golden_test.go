package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

const goldenInputs = "sha256:abababababababababababababababababababababababababababababababab"

func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What each runtime and engine really sends is understood, at both stages.
func TestGoldenStates(t *testing.T) {
	cases := []struct {
		name   string
		status specs.ContainerState
		rootfs string
		uid    uint32
	}{
		{"runc", "creating", "/srv/bundle/rootfs", 0},
		{"crun", "created", "/srv/bundle/rootfs", 0},
		{"containerd", "creating", "/srv/rootfs", 0},
		{"podman-runc", "creating", "/srv/rootfs", 0},
		{"podman-crun", "created", "/srv/rootfs", 0},
		{"podman-crun-uidmap", "created", "/srv/rootfs", 7},
		{"podman-rootless", "creating", "/srv/rootfs", 7},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := Read(strings.NewReader(golden(t, c.name+".createRuntime.json")))
			if err != nil {
				t.Fatal(err)
			}
			if s.Status != c.status || s.Pid <= 0 || s.ID == "" {
				t.Errorf("state %+v", s)
			}
			conf, err := decodeConfig(strings.NewReader(golden(t, c.name+".config.json")))
			if err != nil {
				t.Fatal(err)
			}
			conf.bundle = s.Bundle
			if got, err := Rootfs(s, conf); err != nil || got != c.rootfs {
				t.Errorf("rootfs %q, %v; want %q", got, err, c.rootfs)
			}
			if conf.Process.User.UID != c.uid {
				t.Errorf("user %+v", conf.Process.User)
			}
			merged, err := MergeAnnotations(s, conf)
			if err != nil {
				t.Fatal(err)
			}
			r, asked, err := ParseRequest(merged)
			if err != nil || !asked || r.Inputs.String() != goldenInputs || r.Target != "/src" {
				t.Errorf("request %+v, asked %v, %v", r, asked, err)
			}

			stop, err := Read(strings.NewReader(golden(t, c.name+".poststop.json")))
			if err != nil || stop.ID != s.ID || stop.Pid != 0 || stop.Status != specs.StateStopped {
				t.Errorf("poststop: %+v, %v", stop, err)
			}
		})
	}
}
