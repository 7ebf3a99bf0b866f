package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// underCasview is `casview run` of a job, with further options of `docker run`.
func (d *docker) underCasview(inputs, run, script string, options ...string) *exec.Cmd {
	words := append([]string{"run", "--network", "none"}, options...)
	return d.place.underCasview(d.docker(append(append(words, dockerImage), sh("", "", script).args...)...), 0, shared.bin, inputs, run)
}

// containers are the ids of all containers, ended ones too.
func (d *docker) containers(t *testing.T) string {
	t.Helper()
	return output(t, d.docker("ps", "--all", "--quiet", "--no-trunc"))
}

// Nothing in the command names casview: its runtime is found among Docker's, and this Docker gets variables since it has no
// annotations.
func TestCasviewRunDocker(t *testing.T) {
	d := newDocker(t, nil)
	s := d.place
	root := s.store(t, file{path: "in", content: "in\n"})
	t.Run("Attached", func(t *testing.T) {
		name := unique("docker")
		o := run(t, d.underCasview(root, name, "cat in; cp in out; exit 7", "--rm"))
		if o.code != 7 || o.stdout != "in\n" {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, d, name)
	})
	t.Run("Detached", func(t *testing.T) {
		for _, rm := range []bool{true, false} {
			name, options := unique("docker"), []string{"-d"}
			if rm {
				options = append(options, "--rm")
			}
			o := run(t, d.underCasview(root, name, "sleep 0.3; cp in out; exit 7", options...))
			id := strings.TrimSpace(o.stdout)
			if o.code != 7 || len(id) != 64 {
				t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
			}
			wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
			if !rm {
				output(t, d.docker("rm", id))
			}
			if left := d.containers(t); left != "" {
				t.Errorf("containers left: %q", left)
			}
			nothingLeft(t, d, name)
		}
	})
	t.Run("ExitCodes", func(t *testing.T) {
		for command, code := range map[string]int{"/nowhere": 127, "/etc": 126} {
			cmd := d.docker("run", "--rm", "--network", "none", dockerImage, command)
			o := run(t, s.underCasview(cmd, 0, shared.bin, root, unique("docker")))
			if o.code != code {
				t.Errorf("%s: exit %d, stderr %q", command, o.code, o.stderr)
			}
		}
		o := run(t, s.underCasview(d.docker("run", "--rm", "no-such-image"), 0, shared.bin, root, unique("docker")))
		if o.code != 125 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		wantNoLine(t, o.stderr)
	})
	t.Run("Terminal", func(t *testing.T) {
		name := unique("docker")
		term := startOnTerminal(t, d.underCasview(root, name, `echo what; read -r line; echo "you said $line" | tee said; exit 5`, "--rm", "-it"))
		term.see(t, "what")
		term.write(t, "hello\r")
		term.see(t, "you said hello")
		if code := term.wait(t); code != 5 {
			t.Errorf("exit %d: %q", code, term.screen.String())
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "said")
	})
	t.Run("AnotherRuntime", func(t *testing.T) {
		o := run(t, d.underCasview(root, unique("docker"), "true", "--rm", "--runtime", "runc"))
		if o.code != 125 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		o = run(t, s.underCasview(d.docker("run", "--rm", "--network", "none", "--runtime", "runc", dockerImage, "true"), 0, shared.bin, root, unique("docker")))
		if o.code != 125 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		wantLine(t, o.stderr, "the container ran without the view", "--runtime runc starts containers without casview")
		for _, code := range []string{"1", "127"} { // which docker has for itself too
			cmd := d.docker("run", "--rm", "--network", "none", "--runtime", "runc", dockerImage, "/bin/sh", "-c", "exit "+code)
			o = run(t, s.underCasview(cmd, 0, shared.bin, root, unique("docker")))
			if o.code != 125 {
				t.Errorf("exit %d, stderr %q", o.code, o.stderr)
			}
			wantLine(t, o.stderr, "the job ended with "+code+", but ran without the view")
		}
	})
	t.Run("CannotStart", func(t *testing.T) {
		cmd := d.docker("run", "--rm", "--network", "none", "--runtime", "runc", dockerImage, "/nowhere")
		o := run(t, s.underCasview(cmd, 0, shared.bin, root, unique("docker")))
		if o.code != 127 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		wantNoLine(t, o.stderr)
	})
	t.Run("VariablesAreNotAllowed", func(t *testing.T) {
		always := s.always
		s.always = nil
		s.configure(t, nil)
		o := run(t, d.underCasview(root, unique("docker"), "echo the job ran", "--rm"))
		if o.code != 125 || o.stdout != "" {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantLine(t, o.stderr, "set policy.accept_env = true")
		s.always = always
		s.configure(t, nil)
	})
	t.Run("DefaultRuntime", func(t *testing.T) {
		d.reconfigure(t, "default-runtime", wrapperName, "default casview, has casview")
		name := unique("docker")
		if o := run(t, d.underCasview(root, name, "cp in out", "--rm")); o.code != 0 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		d.reconfigure(t, "default-runtime", "runc", "default runc, has casview")
	})
	t.Run("NoRuntime", func(t *testing.T) {
		d.reconfigure(t, "runtimes", map[string]any{}, "default runc")
		o := run(t, d.underCasview(root, unique("docker"), "echo the job ran", "--rm"))
		if o.code != 125 || o.stdout != "" {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantLine(t, o.stderr, "casview install --engine docker")
	})
	if left := d.containers(t); left != "" {
		t.Errorf("containers left: %q", left)
	}
}

// reconfigure changes the daemon's configuration, and waits until `docker info` says so.
func (d *docker) reconfigure(t *testing.T, key string, value any, want string) {
	t.Helper()
	path := filepath.Join(d.dir, "docker/daemon.json")
	text, err := os.ReadFile(path)
	must(t, err)
	var config map[string]any
	must(t, json.Unmarshal(text, &config))
	config[key] = value
	text, err = json.Marshal(config)
	must(t, err)
	must(t, os.WriteFile(path, text, 0o644))
	pid, err := os.ReadFile(filepath.Join(d.dir, "pid"))
	must(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	must(t, err)
	must(t, unix.Kill(n, unix.SIGHUP))
	eventually(t, func() error {
		says := output(t, d.docker("info", "--format", "default {{.DefaultRuntime}}"+
			"{{range $name, $_ := .Runtimes}}{{if eq $name \"casview\"}}, has {{$name}}{{end}}{{end}}"))
		if says != want {
			return fmt.Errorf("docker's runtimes are %q, expected %q", says, want)
		}
		return nil
	})
}

// casview-runtime beside casview is what ctr starts, and the labels that casview run adds are the container's annotations.
func TestCasviewRunCtr(t *testing.T) {
	c := newContainerdRuntime(t, nil)
	s := c.place
	root := s.store(t, file{path: "in", content: "in\n"})
	bin := tempDir(t, 0)
	must(t, os.Link(filepath.Join(shared.bin, "casview"), filepath.Join(bin, "casview")))
	must(t, os.Rename(c.binary, filepath.Join(bin, "casview-runtime")))
	ctr := func(t *testing.T, name, script string, options ...string) (outcome, string) {
		t.Helper()
		id := unique("c")
		spec := filepath.Join(plainBundle(t, c, sh("", "", script)), "config.json")
		cmd := c.run("run", append(options, "--config", spec, id)...)
		return run(t, s.underCasview(cmd, 0, bin, root, name)), id
	}
	t.Run("Attached", func(t *testing.T) {
		name := unique("ctr")
		o, _ := ctr(t, name, "cat in; cp in out; exit 7", "--rm")
		if o.code != 7 || o.stdout != "in\n" {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, c, name)
	})
	t.Run("Detached", func(t *testing.T) {
		for _, wait := range []string{"", "sleep 0.5; "} {
			name := unique("ctr")
			o, id := ctr(t, name, wait+"cp in out; echo said; echo complained >&2; exit 7", "--detach")
			// What a job prints before ctr is attached may be lost.
			printed := o.stdout == "said\n" && strings.Contains(o.stderr, "complained\n")
			if o.code != 7 || wait != "" && !printed {
				t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
			}
			wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
			if left := output(t, c.run("tasks", "list", "--quiet")); left != "" {
				t.Errorf("tasks left: %q", left)
			}
			output(t, c.run("containers", "delete", id))
			nothingLeft(t, c, name)
		}
	})
	t.Run("AnotherRuntime", func(t *testing.T) {
		id := unique("c")
		spec := filepath.Join(plainBundle(t, c, job{args: []string{"/bin/echo", "the job ran"}}), "config.json")
		cmd := c.run("run", "--rm", "--runc-binary", "runc", "--config", spec, id)
		o := run(t, s.underCasview(cmd, 0, bin, root, unique("ctr")))
		if o.code != 125 || o.stdout != "the job ran\n" {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantLine(t, o.stderr, "the container ran without the view", "--runc-binary runc starts containers without casview")
	})
	t.Run("EngineFails", func(t *testing.T) {
		o := run(t, s.underCasview(c.run("run", "--rm", "no-such-image", "id"), 0, bin, root, unique("ctr")))
		if o.code != 1 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		wantNoLine(t, o.stderr)
	})
	// The exit code is one that ctr has for itself.
	t.Run("AnotherRuntimeAndTheJobFails", func(t *testing.T) {
		spec := filepath.Join(plainBundle(t, c, job{args: []string{"/bin/sh", "-c", "exit 1"}}), "config.json")
		o := run(t, s.underCasview(c.run("run", "--rm", "--runc-binary", "runc", "--config", spec, unique("c")), 0, bin, root, unique("ctr")))
		if o.code != 125 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
		wantLine(t, o.stderr, "the job ended with 1, but ran without the view", "--runc-binary runc starts containers without casview")
	})
}

// run is any ctr command.
func (c *containerd) run(word string, words ...string) *exec.Cmd {
	return exec.Command(c.ctr, append([]string{"--address", c.socket, "--namespace", c.namespace, word}, words...)...)
}
