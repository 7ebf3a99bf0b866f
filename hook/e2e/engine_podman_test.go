package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// podman runs containers from a local root filesystem, with storage, state and hooks of its own.
type podman struct {
	program, runtime string
	place            *site
	image            string
	dir              string
	hooks            string // "" where podman finds them by itself
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
	t.Cleanup(func() { p.end(t) })
	if s.uid != 0 {
		p.installForUser(t)
		return p
	}
	p.hooks = filepath.Join(s.dir, "hooks.d")
	must(t, os.Mkdir(p.hooks, 0o755))
	s.env = append(s.env, "CONTAINERS_CONF="+writeFile(t, containersConf, p.dir, "containers.conf"))
	p.install(t, "--hooks-dir", p.hooks)
	return p
}

// installForUser installs casview as a user does: into the files that podman reads below the user's home.
func (p *podman) installForUser(t *testing.T) {
	t.Helper()
	config := filepath.Join(p.place.dir, ".config")
	for _, v := range p.place.env {
		if dir, ok := strings.CutPrefix(v, "XDG_CONFIG_HOME="); ok {
			config = dir
		}
	}
	conf := filepath.Join(config, "containers")
	must(t, os.MkdirAll(conf, 0o755))
	writeFile(t, containersConf, conf, "containers.conf")
	chownTree(t, p.place.dir, p.place.uid)
	p.install(t)
}

// end waits for what podman does after its containers have ended. What stays then is the process that keeps a user's
// namespace.
func (p *podman) end(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		for _, other := range processes() {
			if strings.Contains(strings.Join(other.args, " "), p.dir+"/") {
				return fmt.Errorf("left behind: process %d %q", other.pid, other.args)
			}
		}
		return nil
	})
	if p.place.uid != 0 {
		endProcessesOf(t, p.place.uid)
	}
}

func (p *podman) install(t *testing.T, options ...string) {
	t.Helper()
	if o := p.place.casview(t, append([]string{"install", "--engine", "podman"}, options...)...); o.code != 0 {
		t.Fatalf("casview install: exit %d: %s", o.code, o.stderr)
	}
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
	args = append(args, j.options...)
	if j.image != "" {
		args = append(args, j.image)
	} else {
		args = append(args, "--rootfs", p.image)
	}
	return p.podman(t, append(args, j.args...)...)
}

// importImage makes an image of the root filesystem.
func (p *podman) importImage(t *testing.T) string {
	t.Helper()
	archive := filepath.Join(p.dir, "rootfs.tar")
	output(t, exec.Command(find(t, "tar"), "-C", p.image, "-cf", archive, "."))
	return output(t, p.podman(t, "import", "--quiet", archive))
}

// podman is any podman command.
func (p *podman) podman(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	global := []string{
		"--root", filepath.Join(p.dir, "root"), "--runroot", filepath.Join(p.dir, "run"), "--tmpdir", filepath.Join(p.dir, "tmp"),
		"--storage-driver", "vfs", "--runtime", p.runtime,
	}
	if p.hooks != "" {
		global = append(global, "--hooks-dir", p.hooks)
	}
	cmd := exec.Command(p.program, append(global, args...)...)
	p.place.become(cmd)
	cmd.Dir = p.dir
	return p.wrap(t, cmd)
}
