package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// podman runs containers from a local root filesystem, with storage, state and hooks of its own.
type podman struct {
	program, runtime string
	place            *site
	image            string
	dir              string
	hooks            string
	wrap             func(*testing.T, *exec.Cmd) *exec.Cmd
}

var _ engine = (*podman)(nil)

// containersConf keeps podman within what a restricted host allows: without CAP_SYS_RESOURCE no hard limit can be
// raised, and there is no network to set up. Locks are files so that nothing is left in /dev/shm.
const containersConf = `[containers]
default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
`

func startPodmanRunc(t *testing.T, with setup) engine {
	t.Helper()
	return newPodman(t, "runc", newSite(t, 0, with), func(_ *testing.T, cmd *exec.Cmd) *exec.Cmd { return cmd })
}

func startPodmanCrun(t *testing.T, with setup) engine {
	t.Helper()
	return newPodman(t, "crun", newSite(t, 0, with), plainCgroup2)
}

func newPodman(t *testing.T, runtime string, s *site, wrap func(*testing.T, *exec.Cmd) *exec.Cmd) *podman {
	t.Helper()
	p := &podman{
		program: find(t, "podman"), runtime: find(t, runtime), place: s, wrap: wrap,
		image: newRootfs(t, filepath.Join(s.dir, "rootfs"), s.uid),
		dir:   tempDir(t, s.uid),
	}
	p.hooks = installedHooks(t, s)
	conf := writeFile(t, containersConf, p.dir, "containers.conf")
	s.env = append(s.env, "CONTAINERS_CONF="+conf)
	return p
}

// installedHooks lets `casview install` write podman's hook file below the site, and returns its directory.
func installedHooks(t *testing.T, s *site) string {
	t.Helper()
	root := filepath.Join(s.dir, "host")
	must(t, os.Mkdir(root, 0o755))
	must(t, os.Chown(root, s.uid, s.uid))
	if o := s.casview(t, "install", "--engine", "podman", "--root", root); o.code != 0 {
		t.Fatalf("casview install: exit %d: %s", o.code, o.stderr)
	}
	found, err := filepath.Glob(filepath.Join(root, "*/*/*/*/*/*.json"))
	if more, _ := filepath.Glob(filepath.Join(root, "*/*/*/*/*.json")); err == nil {
		found = append(found, more...)
	}
	if len(found) != 1 {
		t.Fatalf("casview install wrote %q, expected one hook file", found)
	}
	return filepath.Dir(found[0])
}

func (p *podman) site() *site    { return p.place }
func (p *podman) rootfs() string { return p.image }

func (p *podman) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	args := []string{"run", "--rm"}
	if filepath.Base(p.runtime) == "crun" {
		args = append(args, "--cgroups=disabled")
	}
	for k, v := range j.allAnnotations() {
		args = append(args, "--annotation", k+"="+v)
	}
	for _, b := range j.binds {
		args = append(args, "--volume", b.host+":"+b.container+":ro")
	}
	if j.uid != 0 {
		args = append(args, "--user", fmt.Sprintf("%d:%d", j.uid, j.gid))
	}
	if j.readonly {
		args = append(args, "--read-only")
	}
	args = append(append(args, j.options...), "--rootfs", p.image)
	return p.podman(t, append(args, j.args...)...)
}

// podman is any podman command.
func (p *podman) podman(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	global := []string{
		"--root", filepath.Join(p.dir, "root"), "--runroot", filepath.Join(p.dir, "run"), "--tmpdir", filepath.Join(p.dir, "tmp"),
		"--storage-driver", "vfs", "--hooks-dir", p.hooks, "--runtime", p.runtime,
	}
	cmd := exec.Command(p.program, append(global, args...)...)
	p.place.become(cmd)
	cmd.Dir = p.dir
	return p.wrap(t, cmd)
}
