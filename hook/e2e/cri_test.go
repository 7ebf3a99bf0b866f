package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/hook/spec"
	"github.com/casview/casview/hook/state"
)

const (
	criImage  = "casview.test/image:1"
	criConfig = `version = 2
root = %q
state = %q
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[debug]
  level = "error"
[grpc]
  address = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  disable_cgroup = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.base]
    runtime_type = "io.containerd.runc.v2"
    pod_annotations = ["io.casview.*"]
    base_runtime_spec = "/etc/casview/base.json"
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = %q
`
)

// A pod runs its container on the view that the pod's annotations ask for, as the kubelet would have it by CRI: with the
// runtime handler that casview install made, and with one that has the hooks in its base_runtime_spec. containerd is in a
// mount namespace with an /etc of its own, onto which casview is installed as onto any host.
func TestPodsOfContainerd(t *testing.T) {
	s := newSite(t, 0, nil)
	p := startCRI(t, s)
	root := s.store(t, file{path: "in", content: "input\n"})
	for _, handler := range []string{"casview", "base"} {
		t.Run(handler, func(t *testing.T) {
			name := unique("pod")
			wish := map[string]string{state.Inputs: root, state.Run: name}
			if code := p.run(t, handler, wish, "cat in > out && test ! -e other && exit 7"); code != 7 {
				t.Errorf("the job ended with %d", code)
			}
			wantPaths(t, "outputs", outputPaths(s.complete(t, name)), "out")
			if code := p.run(t, handler, nil, "test ! -e /workspace && exit 3"); code != 3 {
				t.Errorf("a pod without annotations: %d", code)
			}
		})
	}
}

// baseSpec is containerd's own default configuration of a container, with casview's hooks.
func baseSpec(t *testing.T) string {
	t.Helper()
	var base specs.Spec
	must(t, json.Unmarshal([]byte(output(t, exec.Command(find(t, "ctr"), "oci", "spec"))), &base))
	base.Hooks = &specs.Hooks{}
	program := spec.Program{Path: filepath.Join(shared.bin, spec.HookName), Config: "/etc/casview/config.toml", CollectTimeout: time.Minute}
	program.AddHooks(base.Hooks)
	text, err := json.Marshal(base)
	must(t, err)
	return string(text)
}

// criClient is a containerd that takes pods.
type criClient struct {
	cri.RuntimeServiceClient
	dir string
}

func startCRI(t *testing.T, s *site) criClient {
	t.Helper()
	dir := tempDir(t, 0)
	etc, socket := filepath.Join(dir, "etc"), filepath.Join(dir, "sock")
	output(t, exec.Command("cp", "-a", "/etc", etc))
	must(t, os.MkdirAll(filepath.Join(etc, "containerd"), 0o755))
	must(t, os.MkdirAll(filepath.Join(etc, "casview"), 0o755))
	config := fmt.Sprintf(criConfig, filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket, criImage, filepath.Join(dir, "cni"))
	writeFile(t, config, etc, "containerd/config.toml")
	conf, err := os.ReadFile(s.config)
	must(t, err)
	writeFile(t, string(conf), etc, "casview/config.toml")
	writeFile(t, baseSpec(t), etc, "casview/base.json")
	const script = `mount --make-rprivate /; mount --bind "$0" /etc; "$1" install --engine containerd --in-place; exec "$2"`
	daemon := exec.Command("unshare", "--mount", "sh", "-ec", script, etc, filepath.Join(shared.bin, "casview"), find(t, "containerd"))
	var log bytes.Buffer
	daemon.Stdout, daemon.Stderr, daemon.WaitDelay = &log, &log, 5*time.Second
	runc := "/run/containerd/runc/k8s.io" // the shim keeps runc's state there
	if !exists(runc) {
		t.Cleanup(func() { _ = os.Remove(runc) })
	}
	must(t, daemon.Start())
	t.Cleanup(func() {
		must(t, daemon.Process.Signal(unix.SIGTERM))
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("containerd: %s", log.String())
		}
	})
	ctr := func(args ...string) *exec.Cmd {
		return exec.Command(find(t, "ctr"), append([]string{"--address", socket, "--namespace", "k8s.io"}, args...)...)
	}
	eventually(t, func() error {
		out, err := ctr("version").CombinedOutput()
		if err != nil {
			return fmt.Errorf("containerd does not answer: %w: %s", err, out)
		}
		return nil
	})
	output(t, ctr("image", "import", "--snapshotter", "native", dockerArchive(t, dir)))
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	return criClient{cri.NewRuntimeServiceClient(conn), dir}
}

// dockerArchive is an image of busybox, whose own command sleeps as a pod's sandbox does.
func dockerArchive(t *testing.T, dir string) string {
	t.Helper()
	rootfs := newRootfs(t, filepath.Join(dir, "rootfs"), 0)
	layer := filepath.Join(dir, "layer.tar")
	output(t, exec.Command("tar", "-C", rootfs, "-cf", layer, "."))
	content, err := os.ReadFile(layer)
	must(t, err)
	config := fmt.Sprintf(`{"architecture":"%s","os":"linux","config":{"Entrypoint":["/bin/sleep","600"]},
		"rootfs":{"type":"layers","diff_ids":["%s"]}}`, runtime.GOARCH, cas.Sum(digest.SHA256, content))
	manifest, err := json.Marshal([]map[string]any{
		{"Config": "config.json", "RepoTags": []string{criImage}, "Layers": []string{"layer.tar"}},
	})
	must(t, err)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range map[string]string{"config.json": config, "manifest.json": string(manifest), "layer.tar": string(content)} {
		must(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}))
		_, err := w.Write([]byte(text))
		must(t, err)
	}
	must(t, w.Close())
	return writeFile(t, b.String(), dir, "image.tar")
}

// run runs a pod with one container to its end and returns its exit code.
func (c criClient) run(t *testing.T, handler string, annotations map[string]string, script string) int32 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	security := &cri.NamespaceOption{Network: cri.NamespaceMode_NODE}
	sandbox := &cri.PodSandboxConfig{
		Metadata:     &cri.PodSandboxMetadata{Name: "job", Uid: unique("uid"), Namespace: "default"},
		LogDirectory: c.dir, Annotations: annotations,
		Linux: &cri.LinuxPodSandboxConfig{SecurityContext: &cri.LinuxSandboxSecurityContext{NamespaceOptions: security}},
	}
	pod, err := c.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: sandbox, RuntimeHandler: handler})
	must(t, err)
	defer func() {
		_, err := c.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: pod.PodSandboxId})
		must(t, err)
		_, err = c.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: pod.PodSandboxId})
		must(t, err)
	}()
	container, err := c.CreateContainer(ctx, &cri.CreateContainerRequest{PodSandboxId: pod.PodSandboxId, SandboxConfig: sandbox,
		Config: &cri.ContainerConfig{
			Metadata: &cri.ContainerMetadata{Name: "main"}, Image: &cri.ImageSpec{Image: criImage}, LogPath: "log",
			Command: []string{"/bin/sh", "-c", "cd /workspace 2>/dev/null; " + script},
			Linux:   &cri.LinuxContainerConfig{SecurityContext: &cri.LinuxContainerSecurityContext{NamespaceOptions: security}},
		}})
	must(t, err)
	_, err = c.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: container.ContainerId})
	must(t, err)
	var status *cri.ContainerStatus
	eventually(t, func() error {
		r, err := c.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: container.ContainerId})
		if err != nil {
			return err
		}
		if status = r.Status; status.State != cri.ContainerState_CONTAINER_EXITED {
			return fmt.Errorf("the container is %s", status.State)
		}
		return nil
	})
	if said, err := os.ReadFile(filepath.Join(c.dir, "log")); err == nil && t.Failed() {
		t.Logf("job: %s", strings.TrimSpace(string(said)))
	}
	return status.ExitCode
}
