package main

import (
	"strings"
	"testing"
)

func TestHelpOnStdout(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"help"}, {"help", "tree", "ls"}, {"tree"}, {"config"}, {"run", "--help"}, {"completion"}} {
		o := newSite(t).casview(args...)
		if o.code != 0 || o.err != "" || !strings.Contains(o.out, "Usage:") {
			t.Errorf("%q: exit %d, %q, %q", args, o.code, o.out, o.err)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	cases := []struct{ args, want string }{
		{"ingst", `unknown command "ingst": did you mean ingest?`},
		{"frobnicate", "see casview --help"},
		{"--frobnicate", "unknown flag: --frobnicate"},
		{"tree lss", "did you mean ls?"},
		{"config chek", "did you mean check?"},
		{"completion csh", `unknown command "completion csh"`},
		{"completion bash x", "1 argument"},
		{"help ingst", "did you mean ingest?"},
		{"help tree lss", `unknown command "tree lss"`},
		{"ingest", "ingest: no argument given"},
		{"ingest a b", "ingest: 2 arguments given"},
		{"ingest --frobnicate", "ingest: unknown flag: --frobnicate"},
		{"tree import", "tree import: no argument"},
		{"tree ls", "tree ls: no argument"},
		{"tree ls xyz", `tree ls: digest "xyz"`},
		{"cat " + digest, "cat: 1 argument"},
		{"cat md5:00 a", `cat: digest "md5:00"`},
		{"result", "result: no argument"},
		{"result a --wait soon", "result: invalid argument"},
		{"ps x", "ps: 1 argument"},
		{"version x", "version: 1 argument"},
		{"config check x", "config check: 1 argument"},
		{"spec", "spec: --inputs is missing"},
		{"spec x", "spec: 1 argument"},
		{"spec --inputs xyz", `spec: digest "xyz"`},
		{"spec --inputs " + digest + " --run a/b", "a/b"},
		{"spec --inputs " + digest + " --run=", "spec: --run is empty"},
		{"cdi", "cdi: --inputs is missing"},
		{"cdi --inputs .", "cdi: --name is missing"},
		{"cdi --inputs . --name a/b", `device name "a/b": must be`},
		{"cdi --inputs . --name a --output [", "io.casview.outputs"},
		{"cdi --inputs . --name a --run r", "unknown flag: --run"},
		{"cdi lst", `unknown command "cdi lst": did you mean list?`},
		{"cdi remove", "cdi remove: no argument"},
		{"cdi remove a b/c", `device name "b/c"`},
		{"cdi list x", "cdi list: 1 argument"},
		{"install --engine lxc", `install: engine "lxc"`},
		{"install podman", "install: 1 argument"},
		{"uninstall --engine lxc", `uninstall: engine "lxc"`},
		{"run -- podman run img", "run: --inputs is missing"},
		{"run --inputs . ", "run: no command given"},
		{"run --inputs . -- make", "run: \"make\" is no container engine"},
		{"run --inputs . -- podman exec c ls", "only `run`"},
		{"run --inputs . --run a/b -- podman run img", "a/b"},
		{"run --inputs . --run= -- podman run img", "run: --run is empty"},
		{"run --inputs . --timeout -5s -- podman run img", "--timeout -5s"},
		{"run --inputs . --target work -- podman run img", "io.casview.target"},
		{"run --inputs . --output [ -- podman run img", "io.casview.outputs"},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			o := newSite(t).casview(strings.Fields(c.args)...)
			o.wantExit(t, exitUsage, c.want)
			if o.out != "" {
				t.Errorf("stdout: %q", o.out)
			}
		})
	}
}

// The same configuration error meets every command that needs it, with file and line.
func TestBadConfiguration(t *testing.T) {
	s := newSite(t)
	write(t, s.config, "state = \"/tmp\"\n[store]\ndigst = 1\n")
	for _, args := range []string{"config check", "config dump", "ps", "ingest .", "result a", "run --inputs . -- podman run img"} {
		o := s.casview(strings.Fields(args)...)
		code := exitFailure
		if strings.HasPrefix(args, "run") {
			code = exitNoOutputs
		}
		o.wantExit(t, code, s.config+":3: ")
	}
	call(t.Context(), "", "--config", "/nowhere/c.toml", "ps").wantExit(t, exitFailure, "/nowhere/c.toml")
}

func TestOneLine(t *testing.T) {
	if got := oneLine("a\nb\r\n"); got != `a; b\r` {
		t.Errorf("got %q", got)
	}
}
