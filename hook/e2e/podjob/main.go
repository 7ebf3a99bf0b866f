// Command podjob runs a pod with one container on a CRI runtime, to its end, as `podman run` does a container: what the
// container prints is shown, and its exit code is podjob's. It is what the end-to-end tests have in place of a kubelet.
//
//	podjob REQUEST
//
// REQUEST is a file of JSON: the runtime's socket, its handler, and the configurations of pod and container as CRI has them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

type request struct {
	Socket    string
	Handler   string
	Pod       *cri.PodSandboxConfig
	Container *cri.ContainerConfig
}

// failed is the exit code where there was no container, as that of podman and Docker.
const failed = 125

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "podjob:", err)
		code = failed
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	if len(args) != 1 {
		return 0, errors.New("usage: podjob REQUEST")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return 0, err
	}
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return 0, fmt.Errorf("%s: %w", args[0], err)
	}
	conn, err := grpc.NewClient("unix://"+r.Socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return r.run(context.Background(), cri.NewRuntimeServiceClient(conn))
}

// run returns the container's exit code. No pod is left, also where its container can't be started.
func (r request) run(ctx context.Context, runtime cri.RuntimeServiceClient) (code int, err error) {
	pod, err := runtime.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: r.Pod, RuntimeHandler: r.Handler})
	if err != nil {
		return 0, err
	}
	defer func() {
		_, stopped := runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: pod.PodSandboxId})
		_, removed := runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: pod.PodSandboxId})
		err = errors.Join(err, stopped, removed)
	}()
	container, err := runtime.CreateContainer(ctx, &cri.CreateContainerRequest{
		PodSandboxId: pod.PodSandboxId, Config: r.Container, SandboxConfig: r.Pod,
	})
	if err != nil {
		return 0, err
	}
	if _, err := runtime.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: container.ContainerId}); err != nil {
		return 0, err
	}
	for {
		got, err := runtime.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: container.ContainerId})
		if err != nil {
			return 0, err
		}
		if got.Status.State == cri.ContainerState_CONTAINER_EXITED {
			return int(got.Status.ExitCode), r.show(os.Stdout, os.Stderr)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// show prints the container's log. Its lines are "TIME STREAM TAG TEXT", where the tag P says that the text's line goes on.
func (r request) show(stdout, stderr io.Writer) error {
	f, err := os.Open(filepath.Join(r.Pod.LogDirectory, r.Container.LogPath))
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		fields := strings.SplitN(line, " ", 4)
		if len(fields) != 4 {
			return fmt.Errorf("log line %q", line)
		}
		to, text := stdout, fields[3]
		if fields[1] == "stderr" {
			to = stderr
		}
		if fields[2] == "P" {
			text = strings.TrimSuffix(text, "\n")
		}
		if _, err := io.WriteString(to, text); err != nil {
			return err
		}
	}
}
