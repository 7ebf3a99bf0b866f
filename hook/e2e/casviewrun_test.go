package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// underCasview puts `casview run` before a command of podman's. What the test host needs around podman goes around casview
// as well.
func (p *podman) underCasview(cmd *exec.Cmd, inputs, run string) *exec.Cmd {
	return p.place.underCasview(cmd, slices.Index(cmd.Args, p.program), shared.bin, inputs, run)
}

// underCasview puts `casview run` of the programs in bin before the engine's command that begins at an index.
func (s *site) underCasview(cmd *exec.Cmd, at int, bin, inputs, run string) *exec.Cmd {
	casview := []string{filepath.Join(bin, "casview"), "--config", s.config, "run", "--inputs", inputs, "--run", run, "--"}
	cmd.Args = slices.Insert(cmd.Args, at, casview...)
	if at == 0 {
		cmd.Path = cmd.Args[0]
	}
	return cmd
}

// containers are the ids of all containers, ended ones too.
func (p *podman) containers(t *testing.T) string {
	t.Helper()
	return output(t, p.podman(t, "ps", "--all", "--quiet", "--no-trunc"))
}

func TestCasviewRunDetached(t *testing.T) {
	p := startPodmanRunc(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	for _, c := range []struct {
		name, script string
		code         int
		remove       []string
	}{
		{"Removed", "sleep 0.5; cp in out; exit 7", 7, []string{"--rm"}},
		{"RemovedAtOnce", "cp in out; exit 7", 7, []string{"--rm"}},
		{"Stays", "cp in out", 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := unique("detached")
			words := append(append([]string{"run", "--detach"}, c.remove...), "--rootfs", p.image)
			o := run(t, p.underCasview(p.podman(t, append(words, sh("", "", c.script).args...)...), root, name))
			id := strings.TrimSuffix(o.stdout, "\n")
			if o.code != c.code || len(id) != 64 {
				t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
			}
			wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
			if c.remove == nil {
				if left := p.containers(t); left != id {
					t.Errorf("containers %q, expected %s", left, id)
				}
				output(t, p.podman(t, "rm", id))
			}
			if left := p.containers(t); left != "" {
				t.Errorf("containers left: %q", left)
			}
			nothingLeft(t, p, name)
		})
	}
}

// podman passes over hooks that it does not find, and the job runs in a container without its view. This must not pass for
// a run.
func TestCasviewRunWithoutTheHook(t *testing.T) {
	p := startPodmanRunc(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	installed := p.hooks
	changed := func(dir, old, new string) string {
		dir = filepath.Join(s.dir, dir)
		must(t, os.Mkdir(dir, 0o755))
		for _, hook := range names(t, installed) {
			text, err := os.ReadFile(filepath.Join(installed, hook))
			must(t, err)
			writeFile(t, strings.ReplaceAll(string(text), old, new), dir, hook)
		}
		return dir
	}
	nowhere := changed("nowhere.d", shared.bin, "/nowhere")
	// A hook that can't read its configuration stops the container, and can't tell casview why.
	broken := changed("broken.d", s.config, "/nowhere/config.toml")
	empty := filepath.Join(s.dir, "empty.d")
	must(t, os.Mkdir(empty, 0o755))
	for _, c := range []struct {
		name, hooks string
		options     []string
		exit        int // of the job; -1 if there is none
		want        string
	}{
		{"Empty", empty, nil, 0, "the container ran without the view: casview's hook is not active in this engine"},
		{"Missing", filepath.Join(s.dir, "missing.d"), nil, 0, "the container ran without the view"},
		{"ProgramIsMissing", nowhere, nil, 0, "the container ran without the view"},
		{"JobFails", empty, nil, 9, "the job ended with 9, but ran without the view"},
		// This podman keeps no events, which would tell that the container did not start.
		{"HookFailsDetached", broken, []string{"--detach"}, -1, "; the container was removed"},
		{"HookFails", broken, nil, -1, "and no run began: either there was no job, and the engine says above why"},
		{"Detached", empty, []string{"--detach"}, 0, "the container was started without the view: casview's hook is not active in this engine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.hooks = c.hooks
			name := unique("nohook")
			script := fmt.Sprintf("test ! -e /workspace && echo the job ran; exit %d", c.exit)
			j := job{args: []string{"/bin/sh", "-c", script}, options: c.options}
			o := run(t, p.underCasview(p.command(t, j), root, name))
			if ran := o.stdout == "the job ran\n"; o.code != 125 || c.options == nil && ran != (c.exit >= 0) {
				t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
			}
			wantLine(t, o.stderr, c.want)
			wantLine(t, o.stderr, "casview doctor")
			for _, wait := range [][]string{nil, {"--wait", "60s"}} {
				o := s.casview(t, append([]string{"result", name}, wait...)...)
				if o.code != 6 || !strings.Contains(o.stderr, "casview doctor") {
					t.Errorf("casview result %q: exit %d, %q", wait, o.code, o.stderr)
				}
			}
			if left := p.containers(t); left != "" {
				t.Errorf("containers left: %q", left)
			}
			s.noRuns(t)
		})
	}
}

// Exit codes that podman uses for itself mean what they mean to podman, as long as the outputs are complete.
func TestCasviewRunEnginesExitCodes(t *testing.T) {
	p := startPodmanRunc(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"NoSuchCommand", []string{"/nowhere"}, 127, "result.json"},
		{"NotExecutable", []string{"/etc"}, 126, "result.json"},
		{"JobsOwn125", []string{"/bin/sh", "-c", "exit 125"}, 125, "result.json"},
		{"Killed", []string{"/bin/sh", "-c", "sh -c 'kill -9 $$'; exit $?"}, 137, "result.json"},
		{"NoSuchOption", nil, 125, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := unique("codes")
			j := job{args: c.args}
			if c.args == nil {
				j.options = []string{"--frobnicate"}
			}
			o := run(t, p.underCasview(p.command(t, j), root, name))
			if o.code != c.code {
				t.Errorf("exit %d, stderr %q", o.code, o.stderr)
			}
			if c.want == "" {
				wantNoLine(t, o.stderr)
				return
			}
			wantLine(t, o.stderr, c.want)
		})
	}
}

// An exit code that podman has for its own failures may also be that of a job without its view. podman's events tell.
func TestCasviewRunTellsJobsFromFailures(t *testing.T) {
	p := startPodmanRunc(t, nil).(*podman)
	s := p.place
	writeFile(t, strings.Replace(containersConf, `events_logger = "none"`, `events_logger = "file"`, 1), p.dir, "containers.conf")
	root := s.store(t, file{path: "in", content: "in\n"})
	p.hooks = filepath.Join(s.dir, "empty.d")
	must(t, os.Mkdir(p.hooks, 0o755))
	for _, c := range []struct {
		name    string
		args    []string
		options []string
		code    int
		want    string
	}{
		{"JobFails", []string{"/bin/sh", "-c", "exit 127"}, nil, 125, "the job ended with 127, but ran without the view"},
		{"NoSuchCommand", []string{"/nowhere"}, nil, 127, ""},
		{"NoSuchCommandDetached", []string{"/nowhere"}, []string{"--detach"}, 127, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := run(t, p.underCasview(p.command(t, job{args: c.args, options: c.options}), root, unique("events")))
			if o.code != c.code {
				t.Errorf("exit %d, stderr %q", o.code, o.stderr)
			}
			if c.want == "" {
				wantNoLine(t, o.stderr)
			} else {
				wantLine(t, o.stderr, c.want)
			}
			if left := p.containers(t); left != "" {
				t.Errorf("containers left: %q", left)
			}
			s.noRuns(t)
		})
	}
}

// wantNoLine checks that casview leaves it to the engine to say why nothing ran.
func wantNoLine(t *testing.T, stderr string) {
	t.Helper()
	if strings.Contains(stderr, "casview run") || strings.Contains(stderr, "no run began") || strings.Contains(stderr, "casview doctor") || stderr == "" {
		t.Errorf("stderr %q, expected the engine's error alone", stderr)
	}
}

// counting prints how often it was interrupted, and ends some time after the first time. A trap that comes while a shell
// waits for a background process runs at once, so two signals are seen as two.
const counting = `n=0; trap 'n=$((n+1)); echo "interrupt $n"' INT
	pause() { sleep "$1" & wait $! || :; }
	echo out > out; echo ready; while [ $n = 0 ]; do pause 0.1; done; for i in 1 2 3 4 5 6 7 8; do pause 0.1; done; exit 3`

// Ctrl-C ends the job and not the waiting, and reaches the job once, whether a terminal sends it to everybody in the
// foreground or somebody sends it to casview alone.
func TestCasviewRunInterrupted(t *testing.T) {
	p := startPodmanRunc(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	once := func(t *testing.T, name, printed string, code int) {
		t.Helper()
		if code != 3 || strings.Count(printed, "interrupt ") != 1 || !strings.Contains(printed, "interrupt 1") {
			t.Errorf("exit %d, %q", code, printed)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, p, name)
	}
	t.Run("Signal", func(t *testing.T) {
		name := unique("int")
		c := start(t, casviewRun(t, p, root, name, counting))
		eventually(t, func() error { return printed(c, "ready") })
		must(t, c.cmd.Process.Signal(unix.SIGINT))
		o := c.wait(t)
		once(t, name, o.stdout, o.code)
	})
	t.Run("Terminal", func(t *testing.T) {
		name := unique("int")
		term := startOnTerminal(t, casviewRun(t, p, root, name, counting))
		term.see(t, "ready")
		term.write(t, "\x03")
		code := term.wait(t)
		once(t, name, term.screen.String(), code)
	})
	t.Run("Twice", func(t *testing.T) {
		w := startWaitingUnder(t, p, root, nil)
		for range 2 {
			must(t, w.engine.cmd.Process.Signal(unix.SIGINT))
			time.Sleep(300 * time.Millisecond)
		}
		w.gaveUp(t)
	})
	t.Run("Detached", func(t *testing.T) {
		w := startWaitingUnder(t, p, root, []string{"--detach"})
		eventually(t, func() error {
			if p.containers(t) == "" || !strings.Contains(w.engine.stdout.String(), "\n") {
				return fmt.Errorf("no container yet: %q", w.engine.stderr.String())
			}
			return nil
		})
		must(t, w.engine.cmd.Process.Signal(unix.SIGINT))
		o := w.gaveUp(t)
		wantLine(t, o.stderr, "the container is for you to remove")
		output(t, p.podman(t, "rm", strings.TrimSpace(o.stdout)))
	})
}

func printed(p *process, text string) error {
	if !strings.Contains(p.stdout.String(), text) {
		return fmt.Errorf("stdout %q, stderr %q", p.stdout.String(), p.stderr.String())
	}
	return nil
}

// waitingUnder is a waiting job that casview run waits for.
type waitingUnder struct {
	*waiting
	p *podman
}

func startWaitingUnder(t *testing.T, p *podman, root string, options []string) waitingUnder {
	t.Helper()
	name := unique("twice")
	e := underEngine{p, root, name}
	return waitingUnder{startWaiting(t, e, job{run: name, options: options}), p}
}

// underEngine is podman behind casview run.
type underEngine struct {
	*podman
	root, name string
}

func (e underEngine) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	j.run = "" // casview run names it
	return e.underCasview(e.podman.command(t, j), e.root, e.name)
}

// gaveUp checks that casview run has ended and the container has not.
func (w waitingUnder) gaveUp(t *testing.T) outcome {
	t.Helper()
	o := w.engine.wait(t)
	if o.code != 125 {
		t.Errorf("exit %d, stderr %q", o.code, o.stderr)
	}
	wantLine(t, o.stderr, "interrupted: if its container goes on, casview result "+w.name+" --wait TIME waits for the result")
	w.kill(t)
	if o := w.p.place.casview(t, "result", w.name, "--wait", "20s"); o.code != 0 {
		t.Errorf("casview result: exit %d, %q", o.code, o.stderr)
	}
	nothingLeft(t, w.p, w.name)
	return o
}

// A job may use the terminal: podman is in the foreground with casview.
func TestCasviewRunOnATerminal(t *testing.T) {
	p := startPodmanRunc(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	name := unique("tty")
	j := sh("", "", `test -t 0; test -t 1; echo what; read -r line; echo "you said $line" | tee said; exit 5`)
	j.options = []string{"-it"}
	term := startOnTerminal(t, p.underCasview(p.command(t, j), root, name))
	term.see(t, "what")
	term.write(t, "hello\r")
	term.see(t, "you said hello")
	if code := term.wait(t); code != 5 {
		t.Errorf("exit %d: %q", code, term.screen.String())
	}
	wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "said")
	nothingLeft(t, p, name)
}

// A user's first podman command leaves a process that keeps the user's namespace. It does not keep casview run waiting.
func TestCasviewRunDetachedRootless(t *testing.T) {
	p := startPodmanRootless(t, nil).(*podman)
	s := p.place
	root := s.store(t, file{path: "in", content: "in\n"})
	name := unique("rootless")
	j := sh("", "", "sleep 0.3; cp in out; exit 7")
	j.options = []string{"--detach"}
	o := run(t, p.underCasview(p.command(t, j), root, name))
	if o.code != 7 || len(o.stdout) != 65 {
		t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
	}
	wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
	if left := p.containers(t); left != "" {
		t.Errorf("containers left: %q", left)
	}
	nothingLeft(t, p, name)
}
