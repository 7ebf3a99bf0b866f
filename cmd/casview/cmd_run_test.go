package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func (s site) run(inputs string, rest ...string) output {
	s.t.Helper()
	return s.casview(append([]string{"run", "--inputs", inputs}, rest...)...)
}

func TestRunExitCodesWithAFakeEngine(t *testing.T) {
	cases := []struct {
		image, code string
		want        int
		stderr      string
	}{
		{"complete", "0", 0, "/runs/job/result.json\n"},
		{"complete", "7", 7, "/runs/job/result.json\n"},
		{"partial", "0", 125, "the outputs are not complete, the result is partial: a.o: disk full (and 1 more)"},
		{"partial", "7", 125, "not complete"},
		{"failed", "0", 125, "the result is failed"},
		{"no-hook", "0", 125, "the container ran without the view: casview's hook is not active"},
		{"no-hook", "9", 125, "the job ended with 9, but ran without the view: casview's hook is not active"},
		{"no-hook", "126", 125, "the job ended with 126, but ran without the view: casview's hook is not active"},
		{"forgotten", "126", 125, "exited with 126 and no run began: either there was no job, and the engine says above why"},
		{"no-result", "0", 125, "no result within"},
		{"killed", "0", 125, "was ended by signal 9, and no run began"},
	}
	for _, c := range cases {
		t.Run(c.image+" "+c.code, func(t *testing.T) {
			s := newSite(t)
			podman := s.installFakeEngine()
			o := s.run(s.ingest(sources(t)), "--run", "job", "--timeout", "200ms", "--", podman, "run", c.image, c.code)
			if o.code != c.want || !strings.Contains(o.err, c.stderr) || o.out != "" {
				t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.out, o.err)
			}
		})
	}
}

// What an engine says of its own failure is enough.
func TestRunOwnFailuresOfAFakeEngine(t *testing.T) {
	for _, c := range []struct {
		options, image string
		code           int
		stderr         string
	}{
		{"", "no-image", 125, "no such image\n"},
		{"-d --rm", "no-image", 125, "no such image\n"},
		{"", "create-fails", 127, ""},
		{"-d --rm", "create-fails", 127, ""},
	} {
		t.Run(c.options+c.image, func(t *testing.T) {
			s := newSite(t)
			words := append([]string{"--run", "job", "--", s.installFakeEngine(), "run"}, strings.Fields(c.options)...)
			o := s.run(s.ingest(sources(t)), append(words, c.image)...)
			if o.code != c.code || o.err != c.stderr {
				t.Errorf("exit %d, stderr %q", o.code, o.err)
			}
		})
	}
}

// Help is the engine's, which needs neither inputs nor its hook.
func TestRunHelpOfTheInstalledEngines(t *testing.T) {
	s := newSite(t)
	for _, words := range [][]string{
		{"podman", "run", "--help"}, {"podman", "container", "run", "--rm", "--help", "IMAGE"}, {"docker", "run", "--help"},
		{"nerdctl", "run", "--help"}, {"ctr", "run", "--help"}, {"ctr", "run", "-h"},
	} {
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			if _, err := exec.LookPath(words[0]); err != nil {
				t.Skip(err)
			}
			want, err := exec.Command(words[0], words[1:]...).Output()
			if err != nil {
				t.Fatal(err)
			}
			program := exec.Command(program(t), append([]string{"--config", s.config, "run", "--inputs", "/nowhere", "--"}, words...)...)
			var stderr strings.Builder
			program.Stderr = &stderr
			got, err := program.Output()
			if err != nil || stderr.Len() > 0 || string(got) != string(want) {
				t.Errorf("%v, stderr %q, stdout %q", err, &stderr, got)
			}
		})
	}
}

func TestRunPassesWhatIsAskedForToAFakeEngine(t *testing.T) {
	s := newSite(t)
	podman, dir := s.installFakeEngine(), sources(t)
	o := s.run(dir, "--target", "/work", "--output", "bin/**", "--output", "a,b", "--", podman, "run", "annotations")
	want := s.ingest(dir) + "\n/work\n" + `["bin/**","a,b"]` + "\n"
	if o.code != 0 || o.out != want {
		t.Errorf("exit %d, %q, want %q\n%s", o.code, o.out, want, o.err)
	}
}

// The older result of the same name is not taken for this run's.
func TestRunOfATakenNameWithAFakeEngine(t *testing.T) {
	s := newSite(t)
	podman, root := s.installFakeEngine(), s.ingest(sources(t))
	if o := s.run(root, "--run", "job", "--", podman, "run", "complete"); o.code != 0 {
		t.Fatal(o.err)
	}
	s.run(root, "--run", "job", "--", podman, "run", "no-hook").wantExit(t, exitNoOutputs, "ran without the view")
	if o := s.run(root, "--run", "job", "--", podman, "run", "partial"); o.code != exitNoOutputs {
		t.Errorf("exit %d", o.code)
	}
	if o := s.casview("result", "job"); o.code != exitPartial {
		t.Errorf("the newer run does not have the name: exit %d", o.code)
	}
	if n := len(runNames(t, s)); n != 2 {
		t.Errorf("%d runs, want the older one moved aside", n)
	}
}

func TestRunRefusesBeforeItStartsAnything(t *testing.T) {
	s := newSite(t)
	root := s.ingest(sources(t))
	unknown := "sha256:" + strings.Repeat("0", 64)
	s.run(unknown, "--", "podman", "run", "img").wantExit(t, exitNoOutputs, unknown)
	s.run("/nowhere", "--", "podman", "run", "img").wantExit(t, exitNoOutputs, "/nowhere")
	s.run(program(t), "--", "podman", "run", "img").wantExit(t, exitNoOutputs, "is not a directory")
	s.run(root, "--target", "/etc", "--", "podman", "run", "img").wantExit(t, exitNoOutputs, "view.allowed_targets")
	s.run(root, "--", "/nowhere/podman", "run", "img").wantExit(t, exitNoOutputs, "/nowhere/podman")
	s.newRun("job")
	s.run(root, "--run", "job", "--", "podman", "run", "img").wantExit(t, exitNoOutputs, "job is live already")
}

// casview itself is a process here: signals go to processes.
func TestRunForwardsSigtermToAFakeEngine(t *testing.T) {
	s := newSite(t)
	podman, root := s.installFakeEngine(), s.ingest(sources(t))
	cmd := exec.Command(program(t), "--config", s.config, "run", "--inputs", root, "--", podman, "run", "wait-for-signal", "3")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"ready", "got SIGTERM"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, want %q", lines.Text(), want)
		}
		if want == "ready" {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit %d, want the job's 3", code)
	}
}

func runNames(t *testing.T, s site) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.state, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What is no directory and no digest is told apart.
func TestRunNamesInputs(t *testing.T) {
	s, dir := newSite(t), sources(t)
	file := filepath.Join(dir, "a-file")
	write(t, file, "")
	for inputs, want := range map[string]string{
		file:               "--inputs " + file + ": is not a directory",
		dir + "/none":      "/none: neither a directory nor a digest: stat " + dir + "/none: no such file or directory\n",
		"sha256:00":        "no such file or directory; digest \"sha256:00\": 2 hex digits, want 64",
		"no-such-name-yet": "neither a directory nor a digest",
	} {
		s.casview("run", "--inputs", inputs, "--", "podman", "run", "IMAGE").wantExit(t, 125, want)
	}
}
