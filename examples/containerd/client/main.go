// Command client runs a job in containerd on a view of declared inputs. It shows hook/containerdopts: one option among
// those that make the container's specification.
//
//	client -inputs DIGEST -rootfs DIR -hook FILE [-config FILE] [-run NAME] [-output GLOB]... COMMAND...
//
// It ends with the job's exit code, or with 125 where the container could not be run. The outputs are for
// `casview result` and `casview materialize`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/hook/containerdopts"
)

// job is what to run, and on what.
type job struct {
	id, rootfs string
	args       []string
	view       containerdopts.View
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	j, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "client: %v\n", err)
		os.Exit(2)
	}
	code, err := connectAndRun(ctx, j)
	cancel()
	if err != nil {
		fmt.Fprintf(os.Stderr, "client: %v\n", err)
		os.Exit(125)
	}
	os.Exit(code)
}

func parse(args []string) (job, error) {
	j := job{}
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.Func("inputs", "root `DIGEST` of the inputs", func(s string) (err error) {
		j.view.Inputs, err = digest.Parse(s)
		return err
	})
	flags.StringVar(&j.view.Run, "run", "example-client", "`NAME` of the run and of the container")
	flags.Func("output", "store only outputs that match this `GLOB`; may be repeated", func(s string) error {
		j.view.Outputs = append(j.view.Outputs, s)
		return nil
	})
	flags.StringVar(&j.rootfs, "rootfs", "", "root filesystem, an absolute `DIR`")
	flags.StringVar(&j.view.Hook, "hook", "/usr/local/bin/casview-hook", "the hook, an absolute `FILE`")
	flags.StringVar(&j.view.Config, "config", "", "casview's configuration, an absolute `FILE`")
	if err := flags.Parse(args); err != nil {
		return j, err
	}
	j.id, j.args = j.view.Run, flags.Args()
	switch {
	case j.view.Inputs.IsZero():
		return j, errors.New("-inputs is missing")
	case j.rootfs == "":
		return j, errors.New("-rootfs is missing")
	case len(j.args) == 0:
		return j, errors.New("no command given")
	}
	return j, nil
}

func connectAndRun(ctx context.Context, j job) (int, error) {
	address := os.Getenv("CONTAINERD_ADDRESS")
	if address == "" {
		address = "/run/containerd/containerd.sock"
	}
	namespace := os.Getenv(namespaces.NamespaceEnvVar)
	if namespace == "" {
		namespace = namespaces.Default
	}
	c, err := client.New(strings.TrimPrefix(address, "unix://"), client.WithDefaultNamespace(namespace))
	if err != nil {
		return 0, fmt.Errorf("containerd at %s: %w", address, err)
	}
	defer c.Close()
	return j.run(namespaces.WithNamespace(ctx, namespace), c)
}

// run runs the job to its end and returns its exit code.
func (j job) run(ctx context.Context, c *client.Client) (_ int, err error) {
	container, err := c.NewContainer(ctx, j.id, client.WithNewSpec(
		oci.WithRootFSPath(j.rootfs),
		oci.WithProcessArgs(j.args...),
		oci.WithProcessCwd("/workspace"),
		withoutRlimits,
		// Last, since options before it may set hooks and annotations.
		containerdopts.WithView(j.view),
	))
	if err != nil {
		return 0, err
	}
	// Cleaning up goes on when the job was interrupted.
	defer func() { err = errors.Join(err, container.Delete(context.WithoutCancel(ctx))) }()
	task, err := container.NewTask(ctx, cio.NewCreator(cio.WithStdio))
	if err != nil {
		return 0, err
	}
	defer func() {
		_, deleteErr := task.Delete(context.WithoutCancel(ctx), client.WithProcessKill)
		err = errors.Join(err, deleteErr)
	}()
	ended, err := task.Wait(ctx)
	if err != nil {
		return 0, err
	}
	if err := task.Start(ctx); err != nil {
		return 0, err
	}
	status := <-ended
	code, _, err := status.Result()
	return int(code), err
}

// withoutRlimits leaves the limits as containerd has them: raising them takes a capability that hosts inside a container
// lack.
func withoutRlimits(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
	s.Process.Rlimits = nil
	return nil
}
