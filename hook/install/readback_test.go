package install

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	containerd2 "github.com/containerd/containerd/v2/cmd/containerd/server/config"
	"golang.org/x/sys/unix"
)

// What is installed is read back here by the engines themselves.

// hostProgram is an engine's program on the test's host.
func hostProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is missing: make setup installs it", name)
	}
	return path
}

// pluginTables are the tables of the CRI plugin in a configuration of containerd.
type pluginTables map[string]struct {
	Sandbox    string `toml:"sandbox_image"`
	Containerd struct {
		Runtimes map[string]struct {
			Type        string         `toml:"runtime_type"`
			Annotations []string       `toml:"pod_annotations"`
			Options     map[string]any `toml:"options"`
		}
	}
}

// checkHandler looks for the runtime handler, and for what must be there still.
func checkHandler(t *testing.T, p pluginTables, plugin string, systemdCgroup bool) {
	t.Helper()
	got := p[plugin]
	if got.Sandbox != "mine/pause:1" {
		t.Errorf("the administrator's sandbox_image became %q", got.Sandbox)
	}
	if names := slices.Sorted(maps.Keys(got.Containerd.Runtimes)); !slices.Equal(names, []string{"casview", "runc"}) {
		t.Errorf("handlers %q", names)
	}
	h := got.Containerd.Runtimes["casview"]
	if h.Type != "io.containerd.runc.v2" || !slices.Equal(h.Annotations, []string{"io.casview.*"}) ||
		h.Options["BinaryName"] != "/usr/local/bin/casview-runtime" || (h.Options["SystemdCgroup"] == true) != systemdCgroup {
		t.Errorf("handler %+v", h)
	}
}

// Whatever containerd 1's configuration says, the handler stands beside the one that was there, or that it has by default.
func TestContainerd1(t *testing.T) {
	program := hostProgram(t, "containerd")
	const cri = "io.containerd.grpc.v1.cri"
	for name, text := range map[string]string{
		"default handler": "version = 2\n[plugins.\"" + cri + "\"]\n  sandbox_image = \"mine/pause:1\"\n",
		"named handler": "version = 2\n[plugins.'" + cri + "']\nsandbox_image = 'mine/pause:1'\n" +
			"[plugins.\"" + cri + "\".containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n" +
			"[plugins.\"" + cri + "\".containerd.runtimes.runc.options]\nSystemdCgroup = true",
		"first format": "[plugins.cri]\nsandbox_image = \"mine/pause:1\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Engine, o.InPlace = Containerd, true
			main := filepath.Join(o.Root, ctrdMain)
			write(t, main, text)
			apply(t, o)
			var stderr bytes.Buffer
			cmd := exec.Command(program, "--config", main, "config", "dump")
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, &stderr)
			}
			var got struct{ Plugins pluginTables }
			if _, err := toml.Decode(string(out), &got); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(out), `[plugins."io.containerd.cri.v1.runtime"`) {
				t.Skip("this host has containerd 2, which TestContainerd2 is about")
			}
			checkHandler(t, got.Plugins, cri, name == "named handler")
		})
	}
}

// containerd 2's own loader finds the drop-in by the imports that casview adds, and merges it. It reads the paths as they
// are, so they are those of the test's folder here.
func TestContainerd2(t *testing.T) {
	for name, text := range map[string]string{
		"without imports": "version = 3\n[plugins.'io.containerd.cri.v1.runtime']\nsandbox_image = 'mine/pause:1'\n" +
			"[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n",
		"with others": "version = 3\nimports = ['/nowhere/*.toml']\n[plugins.'io.containerd.cri.v1.runtime']\nsandbox_image = 'mine/pause:1'\n" +
			"[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nSystemdCgroup = true\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Engine, o.InPlace = Containerd, true
			main := filepath.Join(o.Root, ctrdMain)
			write(t, main, text)
			apply(t, o)
			write(t, main, strings.Replace(read(t, main), `"/etc/containerd/conf.d/*.toml"`, `"`+filepath.Dir(main)+`/conf.d/*.toml"`, 1))
			var c containerd2.Config
			if err := containerd2.LoadConfig(t.Context(), main, &c); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := toml.NewEncoder(&b).Encode(c.Plugins); err != nil {
				t.Fatal(err)
			}
			var got pluginTables
			if _, err := toml.Decode(b.String(), &got); err != nil {
				t.Fatal(err)
			}
			checkHandler(t, got, "io.containerd.cri.v1.runtime", name == "with others")
		})
	}
}

// A dockerd that runs knows the runtime after a reload, the one that casview install prints, and a new one from its start.
func TestDockerd(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: runs dockerd")
	}
	hostProgram(t, "docker")
	o := options(t)
	o.Engine, o.InPlace = Docker, true
	path := filepath.Join(o.Root, daemonJSON)
	const theirs = `{"bridge": "none", "iptables": false, "labels": ["mine=1"]}`
	write(t, path, theirs)

	d := startDockerd(t, path)
	apply(t, o)
	if err := d.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.wait(t, func(i dockerInfo) bool { return i.Runtimes["casview"].Path == "/usr/local/bin/casview-runtime" })
	d.stop(t)

	d = startDockerd(t, path)
	d.wait(t, func(i dockerInfo) bool {
		return i.Runtimes["casview"].Path == "/usr/local/bin/casview-runtime" && slices.Equal(i.Labels, []string{"mine=1"})
	})
	removeAll(t, o)
	if read(t, path) != theirs {
		t.Errorf("left %s", read(t, path))
	}
}

type dockerd struct {
	*exec.Cmd
	socket string
	log    *bytes.Buffer
}

type dockerInfo struct {
	Runtimes map[string]dockerRuntime
	Labels   []string
}

// startDockerd starts a Docker of its own with a configuration file.
func startDockerd(t *testing.T, config string) *dockerd {
	t.Helper()
	removeAfterwards(t, "/etc/docker/key.json", "/etc/docker", "/run/docker/plugins", "/run/docker")
	// Not t.TempDir: the path of a socket is short.
	dir, err := os.MkdirTemp("", "casview-docker-")
	if err != nil {
		t.Fatal(err)
	}
	d := &dockerd{socket: filepath.Join(dir, "sock"), log: &bytes.Buffer{}}
	d.Cmd = exec.Command(hostProgram(t, "dockerd"), "--config-file", config, "--data-root", filepath.Join(dir, "root"),
		"--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"), "--host", "unix://"+d.socket, "--storage-driver", "vfs")
	d.Stdout, d.Stderr, d.WaitDelay = d.log, d.log, 5*time.Second
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	d.wait(t, func(dockerInfo) bool { return true })
	return d
}

// removeAfterwards removes what dockerd leaves outside its own directories, as far as it was not there before.
func removeAfterwards(t *testing.T, paths ...string) {
	paths = slices.DeleteFunc(paths, exists)
	t.Cleanup(func() {
		for _, path := range paths {
			_ = os.Remove(path) // a folder in which somebody else has something stays
		}
	})
}

func (d *dockerd) stop(t *testing.T) {
	if d.ProcessState != nil {
		return
	}
	if err := d.Process.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	_ = d.Wait()
	if t.Failed() {
		t.Logf("dockerd: %s", d.log)
	}
}

// wait asks dockerd until it says what it shall.
func (d *dockerd) wait(t *testing.T, good func(dockerInfo) bool) {
	t.Helper()
	var last string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var stderr bytes.Buffer
		cmd := exec.Command("docker", "--host", "unix://"+d.socket, "info", "--format", "{{json .}}")
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		last = string(out) + stderr.String()
		var info dockerInfo
		if err == nil && json.Unmarshal(out, &info) == nil && info.Runtimes != nil && good(info) {
			return
		}
	}
	t.Fatalf("dockerd did not say what it should: %s", last)
}
