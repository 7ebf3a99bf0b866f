package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInstallAndUninstall(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	want := []string{"/usr/local/bin/casview", "/usr/local/bin/casview-fsd", "/usr/local/bin/casview-hook", "/usr/local/bin/casview-runtime", s.config,
		"/usr/share/containers/oci/hooks.d/casview-createRuntime.json", "/usr/share/containers/oci/hooks.d/casview-poststop.json"}

	if got := s.files("create", root, "install", "--root", root, "--dry-run"); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := listing(t, root); got != "" {
		t.Errorf("--dry-run wrote %s", got)
	}
	s.files("create", root, "install", "--root", root)
	for _, path := range want {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	}
	s.files("keep", root, "install", "--root", root, "--engine", "podman")

	slices.Reverse(want)
	if got := s.files("remove", root, "uninstall", "--root", root); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := listing(t, root); got != "" {
		t.Errorf("uninstall left %s", got)
	}
	s.process("uninstall", "--root", root).wantExit(t, exitOK, "uninstall: nothing to do")
}

// files calls install or uninstall and returns the paths, below root, of a plan that does the same with all of them. Lines
// of a dry run that show a file's content are left out.
func (s site) files(action, root string, args ...string) []string {
	s.t.Helper()
	o := s.process(args...)
	if o.code != 0 {
		s.t.Fatalf("exit %d: %s", o.code, o.err)
	}
	var paths []string
	for line := range strings.Lines(o.out) {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 2 || f[0] != action {
			s.t.Errorf("got %q, want %s", line, action)
			continue
		}
		paths = append(paths, strings.TrimPrefix(f[1], root))
	}
	return paths
}

func TestInstallWithTheProgramsInPlace(t *testing.T) {
	s, hooks := newSite(t), filepath.Join(t.TempDir(), "hooks.d")
	if o := s.process("install", "--hooks-dir", hooks); o.code != 0 {
		t.Fatal(o.err)
	}
	b, err := os.ReadFile(filepath.Join(hooks, "casview-poststop.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{filepath.Join(programs, "casview-hook"), s.config} {
		if !strings.Contains(string(b), `"`+want+`"`) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestInstallFailures(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	theirs := filepath.Join(root, "usr/share/containers/oci/hooks.d/casview-poststop.json")
	write(t, theirs, "{}")
	s.process("install", "--root", root).wantExit(t, exitFailure, theirs)
	write(t, filepath.Join(root, s.config), "x = 1\n")
	s.process("install", "--root", root).wantExit(t, exitFailure, filepath.Join(root, s.config)+":1: ")
	// No hook lies beside the test binary.
	s.casview("install", "--root", t.TempDir()).wantExit(t, exitFailure, "is missing")
}

// A host's root folder that is not mounted is not made, to be told that all is installed.
func TestInstallOntoNothing(t *testing.T) {
	s := newSite(t)
	for _, verb := range []string{"install", "uninstall"} {
		host := filepath.Join(t.TempDir(), "host")
		s.process(verb, "--root", host).wantExit(t, exitFailure, "--root "+host+": no system is there")
		if _, err := os.Lstat(host); err == nil {
			t.Errorf("%s made it", verb)
		}
		write(t, host, "")
		s.process(verb, "--root", host).wantExit(t, exitFailure, "not a directory")
	}
}

// Options that would act elsewhere than was meant, or be dropped, are refused.
func TestInstallUsage(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"install", "--root", ""}, "--root is empty"},
		{[]string{"uninstall", "--root", ""}, "--root is empty"},
		{[]string{"install", "--prefix", "/opt/casview"}, "--prefix goes with --root"},
		{[]string{"install", "--root", root, "--engine", "docker", "--hooks-dir", "/h"}, "--hooks-dir is for podman and crio"},
		{[]string{"install", "--root", root, "--prefix", "opt"}, `--prefix "opt": is not an absolute path`},
		{[]string{"install", "--root", root, "--engine", "podman", "--engine", "crio"}, "given twice"},
		{[]string{"uninstall", "--root", root, "--engine", "podman", "--engine", "crio"}, "given twice"},
		{[]string{"doctor", "--engine", ""}, `engine "": is none of`},
	} {
		if c.args[0] != "doctor" {
			c.args = append(c.args, "--dry-run") // it would be this host's
		}
		s.process(c.args...).wantExit(t, exitUsage, c.want)
	}
}

// What stays when an engine is taken out says why.
func TestUninstallSaysWhatIsKept(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	s.files("create", root, "install", "--root", root)
	s.files("keep", root, "install", "--root", root, "--engine", "crio")
	hook := filepath.Join(root, "usr/share/containers/oci/hooks.d/casview-poststop.json")
	o := s.process("uninstall", "--root", root)
	if want := "casview: uninstall: " + hook + ": kept: it is also for crio\n"; o.code != 0 || !strings.Contains(o.err, want) {
		t.Errorf("exit %d: %s, want %s", o.code, o.err, want)
	}
	write(t, hook, "{}")
	o = s.process("uninstall", "--root", root, "--engine", "crio")
	if want := hook + ": kept: it was edited since"; o.code != 0 || !strings.Contains(o.err, want) {
		t.Errorf("exit %d: %s, want %s", o.code, o.err, want)
	}
}

// A configuration with a mistake must not keep casview installed.
func TestUninstallWithoutConfiguration(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	s.files("create", root, "install", "--root", root)
	write(t, filepath.Join(root, s.config), "x = 1\n")
	s.process("uninstall", "--root", root).wantExit(t, exitFailure, filepath.Join(root, s.config)+":1: ")
	s.process("uninstall", "--root", root).wantExit(t, exitFailure, "give --force")
	if o := s.process("uninstall", "--root", root, "--force"); o.code != 0 {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
	for _, gone := range []string{"usr", filepath.Join(filepath.Dir(s.config), "casview-installed.json")} {
		if _, err := os.Stat(filepath.Join(root, gone)); err == nil {
			t.Errorf("left %s", listing(t, root))
		}
	}
}

// A dry run shows what would be in each file: all of a new one, and the difference in another one.
func TestInstallDryRunShows(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	daemon := filepath.Join(root, "etc/docker/daemon.json")
	write(t, daemon, "{\n  \"debug\": true\n}\n")
	o := s.process("install", "--root", root, "--engine", "docker", "--in-place", "--dry-run")
	for _, want := range []string{
		"create  " + root + "/usr/local/bin/casview\n    copy of " + filepath.Join(programs, "casview") + "\n",
		"create  " + root + s.config + "\n    # ",
		"edit    " + daemon + "\n    --- " + daemon + "\n    +++ " + daemon + "\n    @@ ",
		"    -  \"debug\": true\n    +  \"debug\": true,\n    +  \"runtimes\": {\n",
	} {
		if !strings.Contains(o.out, want) {
			t.Errorf("no %q in\n%s", want, o.out)
		}
	}
	if o.code != 0 || o.err != "" {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
	// What a dry run shows of a new file is the file.
	s.process("install", "--root", root)
	o = s.process("install", "--root", t.TempDir(), "--dry-run")
	hook, err := os.ReadFile(filepath.Join(root, "usr/share/containers/oci/hooks.d/casview-poststop.json"))
	if err != nil || !strings.Contains(o.out, indented(string(hook))) {
		t.Errorf("%v: no poststop hook in\n%s", err, o.out)
	}
}

// An installation that needs the administrator says what to add and fails, and is complete once they have.
func TestInstallByHand(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	daemon := filepath.Join(root, "etc/docker/daemon.json")
	write(t, daemon, "{}")
	o := s.process("install", "--root", root, "--engine", "docker")
	_, rest, _ := strings.Cut(o.err, "add this to "+daemon)
	_, entry, _ := strings.Cut(rest, "\n")
	entry, last, _ := strings.Cut(entry, "casview: install: not complete without a change to "+daemon)
	if o.code != exitFailure || last == "" || !strings.Contains(o.out, "by-hand "+daemon) {
		t.Fatalf("exit %d: %s%s", o.code, o.out, o.err)
	}
	entry = entry[:strings.LastIndex(entry, "}")+1]
	if strings.Contains(o.err, "then on that host") {
		t.Errorf("it says how to run containers: %s", o.err)
	}
	if _, err := os.Stat(daemon + ".casview-backup"); err == nil {
		t.Error("it made a backup")
	}
	write(t, daemon, entry)
	if o := s.process("install", "--root", root, "--engine", "docker"); o.code != 0 || o.err != "" {
		t.Errorf("with\n%s\nexit %d: %s", entry, o.code, o.err)
	}
}

func TestInstallJSON(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	write(t, filepath.Join(root, "usr/bin/podman"), "")
	write(t, filepath.Join(root, "etc/docker/daemon.json"), "{}")
	o := s.process("install", "--root", root, "--engine", "all", "--json", "--dry-run")
	var got struct {
		Engines []string
		Skipped []struct{ Engine, Why string }
		Files   []struct{ Action, Path, Mode, Content, Source, Diff, Why, By_Hand string }
		Reload  []string
	}
	if err := json.Unmarshal([]byte(o.out), &got); err != nil {
		t.Fatal(err, o.out, o.err)
	}
	if len(got.Engines) != 2 || len(got.Skipped) != 3 || got.Skipped[0].Why == "" || got.Reload == nil || len(got.Reload) != 0 {
		t.Errorf("%+v", got)
	}
	last := got.Files[len(got.Files)-1]
	if last.Action != "by-hand" || last.Why == "" || !strings.Contains(last.By_Hand, "casview-runtime") || got.Files[0].Mode != "0755" {
		t.Errorf("%+v", got.Files)
	}
	if o.code != exitFailure {
		t.Errorf("exit %d", o.code)
	}
}

func TestInstallAll(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	o := s.process("install", "--root", root, "--engine", "all")
	if o.code != exitFailure || o.out != "" || !strings.Contains(o.err, "podman: skipped: is not here: no podman, no /etc/containers/containers.conf\n") ||
		!strings.HasSuffix(o.err, "casview: install: no engine is on this host: name one with --engine\n") {
		t.Errorf("exit %d: %s%s", o.code, o.out, o.err)
	}
	write(t, filepath.Join(root, "usr/bin/podman"), "")
	o = s.process("install", "--root", root, "--engine", "all")
	if o.code != 0 || !strings.Contains(o.err, "docker: skipped: ") || !strings.Contains(o.err, "then on that host: casview run --inputs DIR -- podman run") {
		t.Errorf("exit %d: %s%s", o.code, o.out, o.err)
	}
}

// Root has an engine of their own, too. It keeps to the system's configuration of casview.
func TestInstallForRootsOwnEngine(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	s, home := newSite(t), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	o := s.process("install", "--user", "--engine", "docker")
	daemon := filepath.Join(home, "docker/daemon.json")
	if o.code != 0 || !strings.Contains(o.out, "create  "+daemon) || !strings.Contains(o.err, "systemctl --user restart docker") {
		t.Errorf("exit %d: %s%s", o.code, o.out, o.err)
	}
	s.process("install", "--user", "--engine", "podman")
	for _, path := range []string{"containers/oci/hooks.d/casview-createRuntime.json", "containers/containers.conf.d/casview.conf"} {
		if _, err := os.Stat(filepath.Join(home, path)); err != nil {
			t.Error(err)
		}
	}
	if o := s.process("uninstall", "--user", "--engine", "all"); o.code != 0 || listing(t, home) != "" {
		t.Errorf("exit %d: %s left %s", o.code, o.err, listing(t, home))
	}
	s.process("install", "--user", "--engine", "crio").wantExit(t, exitFailure, "engine crio: users have none of their own")
	s.process("install", "--user", "--root", home).wantExit(t, exitUsage, "--user and --root exclude each other")
}

// Without their hook, containers that run now would end without a result.
func TestUninstallWhileRunsAreLive(t *testing.T) {
	s := newSite(t)
	hooks := filepath.Join(t.TempDir(), "hooks.d")
	s.process("install", "--hooks-dir", hooks)
	before := listing(t, hooks)
	s.newRun("ended-badly")
	_, lock := s.newRun("job-1")
	s.process("uninstall", "--hooks-dir", hooks).wantExit(t, exitFailure, "2 live: job-1, ended-badly: nothing tells which engine a run belongs to: wait for them, or give --force")
	if listing(t, hooks) != before || before == "" {
		t.Errorf("left %s of %s", listing(t, hooks), before)
	}
	if o := s.process("uninstall", "--hooks-dir", hooks, "--dry-run"); o.code != 0 {
		t.Error(o.err)
	}
	if o := s.process("uninstall", "--hooks-dir", hooks, "--force"); o.code != 0 {
		t.Error(o.err)
	}
	if _, err := os.Stat(hooks); err == nil {
		t.Error("the hooks stay")
	}
	s.process("install", "--hooks-dir", hooks)
	lock.Close()
	s.process("uninstall", "--hooks-dir", hooks).wantExit(t, exitFailure, "1 live: ended-badly: nothing tells which engine")
}

// Nothing tells which engine a run belongs to. What takes nothing away can't matter to any, but to the packages, which then
// take the programs.
func TestUninstallOneEngineWhileRunsAreLive(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	s.files("create", root, "install", "--root", root)
	s.files("keep", root, "install", "--root", root, "--engine", "crio")
	there := s
	there.state = filepath.Join(root, s.state)
	_, lock := there.newRun("job-1")
	defer lock.Close()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, s.config), string(text))
	if o := s.process("uninstall", "--root", root, "--engine", "crio"); o.code != 0 || !strings.Contains(o.err, "kept: it is also for podman") {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
	s.process("uninstall", "--root", root, "--engine", "podman").wantExit(t, exitFailure,
		"1 live: job-1: nothing tells which engine a run belongs to: wait for them, or give --force")
	if o := s.process("uninstall", "--root", root, "--engine", "podman", "--force"); o.code != 0 {
		t.Error(o.err)
	}
	s.process("uninstall", "--root", root, "--engine", "podman").wantExit(t, exitOK, "nothing to do")
	s.process("uninstall", "--root", root, "--engine", "all").wantExit(t, exitFailure, "1 live: job-1: wait for them, or give --force")
}

// The state directory of another system is that system's.
func TestUninstallLooksForRunsBelowRoot(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	s.newRun("here")
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, s.config), string(text))
	s.process("install", "--root", root)
	there := s
	there.state = filepath.Join(root, s.state)
	_, lock := there.newRun("there")
	s.process("uninstall", "--root", root).wantExit(t, exitFailure, "1 live: there")
	lock.Close()
	if o := s.process("uninstall", "--root", root); o.code != 0 {
		t.Error(o.err)
	}
}

func TestCompletionOffersEngines(t *testing.T) {
	for _, cmd := range []string{"install", "uninstall"} {
		if o := newSite(t).casview("__complete", cmd, "--engine", ""); !strings.HasPrefix(o.out, "podman\ncrio\ncontainerd\ndocker\ncdi\nall\n:4\n") {
			t.Errorf("got %q", o.out)
		}
	}
}
