//go:build engines

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// pods is an engine that runs each job in a pod, as a kubelet has it by CRI.
type pods struct {
	place   *site
	image   string // the root filesystem of which criImage was made
	dir     string
	socket  string
	handler string // "" is the engine's default
	client  string // podjob
	devices *cdiDevices
}

var _ engine = (*pods)(nil)

// newPods is everything but the engine: the daemon has to listen on the socket, and to know criImage.
func newPods(t *testing.T, s *site, devices *cdiDevices) *pods {
	t.Helper()
	p := &pods{place: s, dir: tempDir(t, 0), devices: devices}
	p.socket, p.image, p.client = filepath.Join(p.dir, "sock"), filepath.Join(p.dir, "rootfs"), filepath.Join(p.dir, "podjob")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", p.client, "./podjob")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output(t, build)
	removeCgroups(t, p.cgroup())
	return p
}

// etc makes a copy of the host's /etc for the daemon, so that casview is installed there as on any host. Its configuration is
// the site's.
func (p *pods) etc(t *testing.T) string {
	t.Helper()
	etc := filepath.Join(p.dir, "etc")
	output(t, exec.Command("cp", "-a", "/etc", etc))
	must(t, os.MkdirAll(filepath.Join(etc, "casview"), 0o755))
	must(t, os.RemoveAll(filepath.Join(etc, "casview/config.toml")))
	must(t, os.Symlink(p.place.config, filepath.Join(etc, "casview/config.toml")))
	return etc
}

// serve starts the daemon with an /etc of its own, into which casview is installed unless it comes by devices.
func (p *pods) serve(t *testing.T, etc string, install []string, daemon []string, client func() *exec.Cmd) {
	t.Helper()
	line := "true"
	if p.devices == nil {
		line = filepath.Join(shared.bin, "casview") + " install " + strings.Join(install, " ")
	}
	const script = `mount --make-rprivate /; mount --bind "$0" /etc; eval "$1"; shift; exec "$@"`
	args := append([]string{"--mount", "sh", "-ec", script, etc, line}, daemon...)
	startEngine(t, exec.Command(find(t, "unshare"), args...), client)
}

// cgroup is the parent of all pods' cgroups.
func (p *pods) cgroup() string { return filepath.Base(p.dir) }

func (p *pods) site() *site    { return p.place }
func (p *pods) rootfs() string { return p.image }

func (p *pods) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	// A pod's processes share no namespace but the host's network.
	namespaces := &cri.NamespaceOption{Network: cri.NamespaceMode_NODE, Pid: cri.NamespaceMode_CONTAINER}
	container := &cri.ContainerConfig{
		Metadata: &cri.ContainerMetadata{Name: "job"}, Image: &cri.ImageSpec{Image: criImage, UserSpecifiedImage: criImage},
		Command: j.args, LogPath: "log",
		Linux: &cri.LinuxContainerConfig{SecurityContext: &cri.LinuxContainerSecurityContext{
			NamespaceOptions: namespaces, ReadonlyRootfs: j.readonly,
			Seccomp: &cri.SecurityProfile{ProfileType: cri.SecurityProfile_Unconfined},
		}},
	}
	if j.uid != 0 {
		security := container.Linux.SecurityContext
		security.RunAsUser, security.RunAsGroup = &cri.Int64Value{Value: int64(j.uid)}, &cri.Int64Value{Value: int64(j.gid)}
	}
	if p.devices != nil && j.inputs != "" {
		container.CDIDevices = []*cri.CDIDevice{{Name: p.devices.device(t, j.inputs)}}
		j.inputs = ""
	}
	logs, err := os.MkdirTemp(p.dir, "log")
	must(t, err)
	text, err := json.Marshal(map[string]any{
		"Socket": p.socket, "Handler": p.handler, "Container": container,
		"Pod": &cri.PodSandboxConfig{
			Metadata:     &cri.PodSandboxMetadata{Name: unique("pod"), Uid: unique("uid"), Namespace: "default"},
			LogDirectory: logs, Annotations: j.allAnnotations(),
			Linux: &cri.LinuxPodSandboxConfig{CgroupParent: "/" + p.cgroup(), SecurityContext: &cri.LinuxSandboxSecurityContext{
				NamespaceOptions: namespaces, Seccomp: &cri.SecurityProfile{ProfileType: cri.SecurityProfile_Unconfined},
			}},
		},
	})
	must(t, err)
	return exec.Command(p.client, writeFile(t, string(text), logs, "request.json"))
}
