package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "no command"},
		{[]string{"mount"}, `unknown command "mount"`},
		{[]string{"serve"}, "serve takes one run directory"},
		{[]string{"serve", "a", "b"}, "serve takes one run directory"},
		{[]string{"collect"}, "collect takes one run after its options, not []"},
		{[]string{"collect", "a", "--held"}, `collect takes one run after its options, not ["a" "--held"]`},
		{[]string{"collect", "--keep", "a"}, "collect: flag provided but not defined: -keep"},
		{[]string{"collect", "--config"}, "collect: flag needs an argument: -config"},
		{[]string{"collect", "--timeout", "5", "a"}, `collect: invalid value "5" for flag -timeout`},
		{[]string{"collect", "--timeout", "-1s", "a"}, "collect: --timeout -1s is below zero"},
		{[]string{"collect", "--held=maybe", "a"}, `collect: invalid boolean value "maybe" for -held`},
	} {
		stdout, stderr, code := cli(t, "/", c.args...)
		if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "casview-fsd: "+c.want) || !strings.HasSuffix(stderr, usage) {
			t.Errorf("%q: exit %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"collect", "--help"}} {
		if stdout, stderr, code := cli(t, "/", args...); code != 0 || stdout != usage || stderr != "" {
			t.Errorf("%q: exit %d, %q, %q", args, code, stdout, stderr)
		}
	}
	for _, arg := range []string{"version", "--version"} {
		if stdout, stderr, code := cli(t, "/", arg); code != 0 || strings.Count(stdout, "\n") != 1 || stderr != "" {
			t.Errorf("%s: exit %d, %q, %q", arg, code, stdout, stderr)
		}
	}
}

func TestServeByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run, _ := s.create("run", nil)
	stdout, stderr, code := cli(t, "/", "serve", run.Path())
	if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "casview-fsd: serve is started by casview-hook") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func TestCollectWithoutResult(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	live, _ := s.create("live", nil)
	bad := filepath.Join(t.TempDir(), "bad.toml")
	must(t, os.WriteFile(bad, []byte("\nstat = 1\n"), 0o600))
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown name", []string{"--config", s.config, "unknown"}, "no run unknown ("},
		{"unknown path", []string{s.state + "/runs/unknown"}, "no run " + s.state + "/runs/unknown ("},
		{"no run's name", []string{"--config", s.config, ".."}, `run name "..": `},
		{"live", []string{"--config", s.config, "live"}, "run live: " + live.Path() + "/lock: the run is in use"},
		{"live, by path", []string{"--held", live.Path()}, "run live: " + live.Path() + "/lock: the run is in use"},
		{"configuration", []string{"--config", bad, "live"}, bad + ":2: "},
	} {
		stdout, stderr, code := cli(t, "/", append([]string{"collect"}, c.args...)...)
		if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "casview-fsd: "+c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q", c.name, code, stdout, stderr)
		}
	}
	if _, err := os.Lstat(live.ResultPath()); err == nil {
		t.Error("a live run has a result")
	}
}

// dead is a run whose daemon was killed while the job was at work, and what the job wrote.
func dead(t *testing.T, s *site, name string) *rundir.Dir {
	t.Helper()
	root := s.inputs("in")
	v := s.serve(name, func(spec *rundir.Spec) { spec.InputsRoot = root })
	job := v.job("echo out >out; echo ready; read -r line || :")
	job.says("ready")
	v.daemon.Kill()
	job.goOn()
	job.end()
	return v.run
}

func TestCollectForADeadDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := dead(t, s, "run")
	stdout, stderr, code := cli(t, "/", "collect", "--config", s.config, "--timeout", "1ns", "run")
	if code != 1 || stdout != "" || stderr != "casview-fsd: collect run run: not done within 1ns: context deadline exceeded\n" {
		t.Errorf("bounded: exit %d, %q, %q", code, stdout, stderr)
	}
	for name, args := range map[string][]string{
		"name":          {"--config", s.config, "run"},
		"path":          {run.Path()},
		"relative path": {"./run"},
		"held":          {"--held", "--timeout", "1m", run.Path()},
	} {
		stdout, stderr, code := cli(t, filepath.Dir(run.Path()), append([]string{"collect"}, args...)...)
		if code != 3 || stdout != "partial "+run.ResultPath()+"\n" || stderr != "" {
			t.Errorf("%s: exit %d, %q, %q", name, code, stdout, stderr)
		}
		r, err := run.Result()
		must(t, err)
		if r.Status != result.Partial || outputs(r) != "out" {
			t.Errorf("%s: %s, outputs %q", name, r.Status, outputs(r))
		}
	}
}

// A daemon's collection ends by the run's timeout. Whoever calls collect to finish it waits for as long as it takes.
func TestCollectIsNotBoundByTheRunsTimeout(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot, spec.Timeout = root, 1 })
	job := v.job("echo out >out")
	job.end()
	if err := v.daemon.Wait(); err == nil || err.Error() != "casview-fsd: exit status 1" {
		t.Errorf("the daemon: %v", err)
	}
	if _, err := v.run.Result(); err == nil {
		t.Fatal("there is a result already")
	}
	stdout, stderr, code := cli(t, "/", "collect", v.run.Path())
	if code != 0 || stdout != "complete "+v.run.ResultPath()+"\n" || stderr != "" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if got := outputs(v.result(result.Complete)); got != "out" {
		t.Errorf("outputs %q", got)
	}
}

func TestCollectOfACompleteRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	v.job("echo out >out").end()
	v.promptly()
	before, err := os.ReadFile(v.run.ResultPath())
	must(t, err)
	for range 2 {
		stdout, stderr, code := cli(t, "/", "collect", "--config", s.config, "run")
		if code != 0 || stdout != "complete "+v.run.ResultPath()+"\n" || stderr != "" {
			t.Errorf("exit %d, %q, %q", code, stdout, stderr)
		}
	}
	after, err := os.ReadFile(v.run.ResultPath())
	must(t, err)
	if string(before) != string(after) {
		t.Errorf("the result changed from\n%sto\n%s", before, after)
	}
}

// A daemon that died before there was a view leaves nothing to collect.
func TestCollectFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	run, lock := s.create("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	must(t, lock.Close())
	if os.Geteuid() != 0 {
		t.Skip("reading trusted attributes needs root")
	}
	stdout, stderr, code := cli(t, "/", "collect", run.Path())
	if code != 4 || stdout != "failed "+run.ResultPath()+"\n" || stderr != "" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

// A run whose container lives on without its daemon is collected by copy.
func TestCollectWhileHeld(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.inputs("in")
	v := s.serve("run", func(spec *rundir.Spec) { spec.InputsRoot = root })
	job := v.job("echo out >out; echo ready; read -r line || :; cat out")
	job.says("ready")
	v.daemon.Kill()
	if stdout, stderr, code := cli(t, "/", "collect", v.run.Path()); code != 3 || stderr != "" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	wantError(t, v.result(result.Partial), "the view is still held", "(sh)")
	job.goOn()
	job.says("out")
	job.end()
}
