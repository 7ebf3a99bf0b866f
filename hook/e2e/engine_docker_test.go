package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// docker is a dockerd of its own on a containerd of its own, with casview-runtime among its runtimes.
type docker struct {
	client    string
	dir       string
	place     *site
	container *containerd
	runtime   string // of containers; "" is the daemon's default
	variables bool   // by which jobs ask, where Docker has no annotations
}

var _ engine = (*docker)(nil)

const (
	dockerImage = "casview-test"
	wrapperName = "casview" // of the runtime
)

func startDocker(t *testing.T, with setup) engine {
	t.Helper()
	return newDocker(t, with)
}

// newDocker is a Docker before 24: it gives containers no annotations.
func newDocker(t *testing.T, with setup) *docker {
	t.Helper()
	s := newSite(t, 0, with)
	s.always = setup{"policy": "accept_env = true\n"}
	s.configure(t, with)
	d := newDockerOf(t, s, nil)
	d.variables = true
	return d
}

// newDockerOf is any Docker, with more in its daemon.json.
func newDockerOf(t *testing.T, s *site, more map[string]any) *docker {
	t.Helper()
	d := &docker{client: find(t, "docker"), dir: tempDir(t, 0), place: s, container: newContainerd(t, s), runtime: wrapperName}
	config := map[string]any{
		"data-root": filepath.Join(d.dir, "data"), "exec-root": filepath.Join(d.dir, "exec"), "pidfile": filepath.Join(d.dir, "pid"),
		"hosts": []string{d.host()}, "containerd": d.container.socket, "containerd-namespace": d.container.namespace,
		"containerd-plugins-namespace": d.container.namespace + "-plugins",
		"cgroup-parent":                "/" + d.container.namespace,
		"bridge":                       "none", "iptables": false, "ip6tables": false, "log-level": "error",
	}
	maps.Copy(config, more)
	text, err := json.Marshal(config)
	must(t, err)
	removeAfterwards(t, d.container.namespace)
	d.serve(t, d.install(t, string(text)))
	d.importImage(t)
	return d
}

// install adds casview's runtime to an administrator's daemon.json and returns its path. To casview it is root's own Docker:
// the system's stays as it is.
func (d *docker) install(t *testing.T, config string) string {
	t.Helper()
	must(t, os.Mkdir(filepath.Join(d.dir, "docker"), 0o755))
	path := writeFile(t, config, d.dir, "docker/daemon.json")
	cmd := d.place.command("casview", "--config", d.place.config, "install", "--user", "--engine", "docker", "--in-place")
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME="+d.dir)
	output(t, cmd)
	return path
}

// removeAfterwards removes what dockerd leaves outside its own directories, as far as it was not there before.
func removeAfterwards(t *testing.T, cgroup string) {
	t.Helper()
	paths := []string{"/etc/docker/key.json", "/etc/docker", "/run/docker/plugins", "/run/docker"}
	paths = slices.DeleteFunc(paths, exists)
	removeCgroups(t, cgroup)
	t.Cleanup(func() {
		for _, path := range paths {
			_ = os.Remove(path) // a folder in which somebody else has something stays
		}
	})
}

// removeCgroups removes the cgroups of a name when the test has ended, of both versions, with the empty ones in them: runtimes
// leave the parents of those that they make, and CRI-O those of its monitors.
func removeCgroups(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		var cgroups []string
		for _, pattern := range []string{name, "*/" + name, name + "/*", "*/" + name + "/*"} {
			found, err := filepath.Glob(filepath.Join("/sys/fs/cgroup", pattern))
			must(t, err)
			cgroups = append(cgroups, found...)
		}
		for _, path := range slices.Backward(cgroups) {
			_ = os.Remove(path)
		}
	})
}

func (d *docker) host() string { return "unix://" + filepath.Join(d.dir, "sock") }

func (d *docker) serve(t *testing.T, config string) {
	t.Helper()
	startEngine(t, exec.Command(find(t, "dockerd"), "--config-file", config), func() *exec.Cmd { return d.docker("version") })
}

// importImage makes the root filesystem an image.
func (d *docker) importImage(t *testing.T) {
	t.Helper()
	tar := filepath.Join(d.dir, "rootfs.tar")
	output(t, exec.Command("tar", "-C", d.rootfs(), "-cf", tar, "."))
	output(t, d.docker("import", tar, dockerImage))
	must(t, os.Remove(tar))
}

// variableOf is the variable that stands for an annotation.
func variableOf(key string) string {
	return "CASVIEW_" + strings.ToUpper(strings.TrimPrefix(key, "io.casview."))
}

// docker is any docker command.
func (d *docker) docker(args ...string) *exec.Cmd {
	cmd := exec.Command(d.client, append([]string{"--host", d.host()}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+filepath.Join(d.dir, "client"))
	return cmd
}

func (d *docker) site() *site    { return d.place }
func (d *docker) rootfs() string { return d.container.image }

func (d *docker) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	args := []string{"run", "--rm", "--network", "none"}
	if d.runtime != "" {
		args = append(args, "--runtime", d.runtime)
	}
	for key, value := range j.allAnnotations() {
		if d.variables {
			args = append(args, "--env", variableOf(key)+"="+value)
		} else {
			args = append(args, "--annotation", key+"="+value)
		}
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
	return d.docker(append(append(append(args, j.options...), dockerImage), j.args...)...)
}
