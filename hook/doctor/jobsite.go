package doctor

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/hook/install"
)

// jobSite is a root filesystem that has casview alone, and a directory with one input.
type jobSite struct {
	dir, rootfs, inputs string
	run                 string
	args                []string
}

// rootfsDirs are what engines mount on.
func rootfsDirs() []string { return []string{"dev", "etc", "proc", "run", "sys", "tmp"} }

func (j jobSite) make(program string) error {
	// An engine's containers may have another user.
	if err := os.Chmod(j.dir, 0o755); err != nil {
		return err
	}
	for _, name := range rootfsDirs() {
		if err := os.MkdirAll(filepath.Join(j.rootfs, name), 0o755); err != nil {
			return err
		}
	}
	if err := os.Mkdir(j.inputs, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(j.inputs, jobInput), []byte(jobContent), 0o644); err != nil {
		return err
	}
	return copyProgram(program, filepath.Join(j.rootfs, "casview"))
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// jobCommand runs the job in one engine, to its end and with its result there.
type jobCommand func(ctx context.Context, d *doctor, j jobSite) error

func jobCommands() map[string]jobCommand {
	return map[string]jobCommand{"podman": podmanJob, "docker": dockerJob, "containerd": containerdJob, "runc": runcJob}
}

func podmanJob(ctx context.Context, d *doctor, j jobSite) error {
	return d.casviewRun(ctx, j, "podman", "run", "--rm", "--network=none", "--rootfs", j.rootfs)
}

// dockerJob imports the root filesystem as an image, which it removes again.
func dockerJob(ctx context.Context, d *doctor, j jobSite) (err error) {
	archive := filepath.Join(j.dir, "rootfs.tar")
	if err := writeTar(archive, j.rootfs); err != nil {
		return err
	}
	image := "casview-doctor:" + j.run
	if _, err := ask(ctx, "docker", "import", archive, image); err != nil {
		return err
	}
	defer func() {
		_, gone := ask(context.WithoutCancel(ctx), "docker", "rmi", "--force", image)
		err = errors.Join(err, gone)
	}()
	configured, err := dockerConfigured(d.dockerFile())
	if err != nil {
		return err
	}
	name, _ := ourRuntime(configured)
	return d.casviewRun(ctx, j, "docker", "run", "--rm", "--network=none", "--runtime="+name, image)
}

func containerdJob(ctx context.Context, d *doctor, j jobSite) error {
	runtime := filepath.Join(d.Programs, install.RuntimeName)
	return d.casviewRun(ctx, j, "ctr", "run", "--rm", "--runc-binary="+runtime, "--rootfs", j.rootfs, j.run)
}

// casviewRun is how users run jobs. command is the engine's up to the job's own arguments.
func (d *doctor) casviewRun(ctx context.Context, j jobSite, command ...string) error {
	command = append(command, j.args...)
	_, err := ask(ctx, d.casviewPath(), append(d.withConfig("run", "--inputs", j.inputs, "--run", j.run, "--"), command...)...)
	return err
}

func (d *doctor) withConfig(args ...string) []string {
	if d.ConfigFile == "" {
		return args
	}
	return append([]string{"--config", d.ConfigFile}, args...)
}

// runcJob runs a bundle, as those do who have no engine.
func runcJob(ctx context.Context, d *doctor, j jobSite) error {
	config, err := json.Marshal(j.bundle())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(j.dir, "config.json"), config, 0o644); err != nil {
		return err
	}
	root, err := ask(ctx, d.casviewPath(), d.withConfig("ingest", j.inputs)...)
	if err != nil {
		return err
	}
	spec := d.withConfig("spec", "--bundle", j.dir, "--inputs", firstLine(root), "--run", j.run)
	if _, err := ask(ctx, d.casviewPath(), spec...); err != nil {
		return err
	}
	if _, err := ask(ctx, look("runc"), "run", "--bundle", j.dir, j.run); err != nil {
		return err
	}
	_, err = ask(ctx, d.casviewPath(), d.withConfig("result", j.run, "--wait", "30s")...)
	return err
}

func (j jobSite) bundle() specs.Spec {
	return specs.Spec{
		Version: "1.0.2",
		Process: &specs.Process{Args: j.args, Env: []string{"PATH=/"}, Cwd: "/", NoNewPrivileges: true},
		Root:    &specs.Root{Path: j.rootfs},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755", "size=65536k"}},
		},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{
			{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
		}},
	}
}

// dockerFile is the daemon.json of the dockerd that this user talks to.
func (d *doctor) dockerFile() string {
	if user := d.userConfig(); user != "" {
		if file := filepath.Join(user, "docker/daemon.json"); exists(file) {
			return file
		}
	}
	return "/etc/docker/daemon.json"
}

func writeTar(to, dir string) (err error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := tar.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	return w.Close()
}
