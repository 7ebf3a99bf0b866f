package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRunDetachedWithAFakeEngine(t *testing.T) {
	const gone = "exit code is not known"
	cases := []struct {
		name, engine, command string
		code                  int
		calls                 []string
		stderr                string
	}{
		{"stays", "podman", "-d complete 7", 7, []string{"wait 7"}, "result.json"},
		{"removed", "podman", "-d --rm complete 7", 7, []string{"wait 7", "rm --volumes 7"}, "result.json"},
		{"partial", "podman", "-d partial 0", 125, []string{"wait 0"}, "not complete"},
		{"gone", "podman", "-d complete gone", 125, []string{"wait gone"}, gone},
		{"without the view", "podman", "-d no-hook 0", 125, nil, "the container was started without the view: casview's hook"},
		{"without the view, removed", "podman", "-d --rm no-hook 0", 125, []string{"rm --force --volumes 0"}, "tells what to do; the container was removed"},
		{"not started", "podman", "-d --rm create-fails 0", 127, []string{"rm --force --volumes 0"}, ""},
		{"nerdctl", "nerdctl", "-d --rm complete 7", 7, []string{"wait 7", "rm --volumes 7"}, "result.json"},
		{"ctr", "ctr", "-d complete 7", 7, []string{"tasks attach 7"}, "result.json"},
		{"ctr without the view", "ctr", "-d no-hook 0", 125, nil, "the container was started without the view"},
		{"another runtime", "nerdctl", "-d --runtime mine no-hook 0", 125, nil, "without the view: --runtime mine starts containers without casview"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			engine := s.installFake(c.engine)
			o := s.run(s.ingest(sources(t)), append([]string{"--", engine, "run"}, strings.Fields(c.command)...)...)
			if o.code != c.code || !strings.Contains(o.err, c.stderr) {
				t.Errorf("exit %d, stderr %q", o.code, o.err)
			}
			if got := s.calls(); strings.Join(got, ", ") != strings.Join(c.calls, ", ") {
				t.Errorf("calls %q", got)
			}
		})
	}
}

// What docker can do is asked from it: annotations came with API 1.43 (Docker 24), and casview is a runtime of it.
func TestRunAsksAFakeDocker(t *testing.T) {
	const runtimes = `"runtimes": {"runc": {"path": "runc"}, "casview": {"path": "/usr/bin/casview-runtime"}}}`
	const named, byDefault = `{"default": "runc", ` + runtimes, `{"default": "casview", ` + runtimes
	cases := []struct {
		name, api, info, policy, options string
		code                             int
		want                             string
	}{
		{"new", "1.43", named, "", "", 0, `runtime "casview", rm ""`},
		{"casview is the default", "1.51", byDefault, "", "--rm", 0, `runtime ".", rm "rm"`},
		{"another name", "1.43", `{"default": "runc", "runtimes": {"x": {"path": "/opt/casview-runtime"}}}`, "", "", 0, `runtime "x"`},
		{"a runtime is given", "1.43", named, "", "--runtime mine", 0, `runtime "mine"`},
		{"no runtime", "1.43", `{"default": "runc", "runtimes": {"runc": {"path": "runc"}}}`, "", "", 125, "casview install --engine docker"},
		{"old", "1.41", named, "[policy]\naccept_env = true\n", "", 0, `runtime "casview"`},
		{"old, not allowed", "1.41", named, "", "", 125, "policy.accept_env = true"},
		{"old, variable given", "1.41", named, "[policy]\naccept_env = true\n", "--env=CASVIEW_RUN=other", 125, "--env CASVIEW_RUN: casview run sets this variable itself: give casview run the option --run"},
		{"podman under another name", "4.3.1", "podman's own", "", "", 0, `runtime "."`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			docker := s.installFake("docker")
			t.Setenv(fakeAPI, c.api)
			t.Setenv(fakeInfo, c.info)
			if c.policy != "" {
				write(t, s.config, "state = \""+s.state+"\"\n"+c.policy)
			}
			words := slices.Concat([]string{"--run", "job", "--", docker, "run"}, strings.Fields(c.options), []string{"options"})
			o := s.run(s.ingest(sources(t)), words...)
			if o.code != c.code || !strings.Contains(o.out+o.err, c.want) {
				t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.out, o.err)
			}
		})
	}
}
