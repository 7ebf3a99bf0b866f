package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// engine runs containers with casview's hook. It belongs to one site, and everything it starts ends with the test.
type engine interface {
	// site is the casview installation that the engine's hook works for.
	site() *site
	// rootfs is the directory that containers run on.
	rootfs() string
	// command is the process that runs a container in the foreground, to its end.
	command(t *testing.T, j job) *exec.Cmd
}

// engineKind is an engine with how it is set up for a test.
type engineKind struct {
	name  string
	start func(t *testing.T, with setup) engine
	// programs are asked for their versions, for the matrix in docs/engines.md.
	programs []string
}

// engines are all engines. Each has a row in docs/engines.md.
var engines = []engineKind{
	{"runc", startRunc, []string{"runc"}},
	{"crun", startCrun, []string{"crun"}},
	{"podman-crun", startPodmanCrun, []string{"podman", "crun"}},
	{"podman-runc", startPodmanRunc, []string{"podman", "runc"}},
	{"podman-rootless", startPodmanRootless, []string{"podman", "runc"}},
	{"podman-rootless-crun", startPodmanRootlessCrun, []string{"podman", "crun"}},
	{"podman-cdi", startPodmanCDI, []string{"podman", "runc"}},
	{"podman-cdi-rootless", startPodmanCDIRootless, []string{"podman", "runc"}},
	{"containerd", startContainerd, []string{"containerd", "runc"}},
	{"containerd-runtime", startContainerdRuntime, []string{"containerd", "runc"}},
	{"docker", startDocker, []string{"dockerd", "runc"}},
}

// runJob runs a job to its end.
func runJob(t *testing.T, e engine, j job) outcome {
	t.Helper()
	return run(t, e.command(t, j))
}

// succeed runs a job that must end with 0.
func succeed(t *testing.T, e engine, j job) outcome {
	t.Helper()
	o := runJob(t, e, j)
	if o.code != 0 {
		t.Fatalf("job %s: exit %d\nstdout: %s\nstderr: %s\nlog: %s", j.run, o.code, o.stdout, o.stderr, e.site().log(j.run))
	}
	return o
}

// startEngine starts an engine's daemon and waits until it answers a client. It ends with the test.
func startEngine(t *testing.T, daemon *exec.Cmd, client func() *exec.Cmd) {
	t.Helper()
	name := filepath.Base(daemon.Path)
	var log buffer
	daemon.Stdout, daemon.Stderr = &log, &log
	// The shims inherit the log: it must not hold up the end.
	daemon.WaitDelay = 5 * time.Second
	must(t, daemon.Start())
	t.Cleanup(func() {
		must(t, daemon.Process.Signal(unix.SIGTERM))
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, log.String())
		}
	})
	eventually(t, func() error {
		out, err := client().CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s does not answer: %w: %s%s", name, err, out, log.String())
		}
		return nil
	})
}

// find returns a program's path, or fails the test: on a test host every engine is installed.
func find(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed: %v", program, err)
	}
	return path
}

// plainCgroup2 lets a command run where /sys/fs/cgroup is a plain cgroup2, which crun insists on. On a host with cgroup
// v1 or a mix of both, that takes a mount namespace of the command's own.
func plainCgroup2(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	var st unix.Statfs_t
	must(t, unix.Statfs("/sys/fs/cgroup", &st))
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return cmd
	}
	const script = `umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"`
	args := append([]string{"--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	wrapped := exec.Command(find(t, "unshare"), args...)
	wrapped.Env, wrapped.Dir, wrapped.SysProcAttr = cmd.Env, cmd.Dir, cmd.SysProcAttr
	return wrapped
}

// tempDir is a directory of a test below the shared one. Its path is short: engines put sockets into it.
func tempDir(t *testing.T, uid int) string {
	t.Helper()
	dir, err := os.MkdirTemp(shared.dir, "e")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chown(dir, uid, uid))
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

func writeFile(t *testing.T, text string, path ...string) string {
	t.Helper()
	p := filepath.Join(path...)
	must(t, os.WriteFile(p, []byte(text), 0o644))
	return p
}
