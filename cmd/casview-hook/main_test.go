package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/hook"
)

func TestExitCode(t *testing.T) {
	for want, err := range []error{hook.Incomplete{}, errors.New("no result"), usageError{errors.New("no stage")}} {
		if got := exitCode(err); got != want {
			t.Errorf("%T: exit %d, want %d", err, got, want)
		}
	}
}

func TestCommandLine(t *testing.T) {
	const state = `{"ociVersion":"1.0.2","id":"job","status":"creating","pid":1,"bundle":"/none","annotations":{"a":"b"}}`
	digest := "sha256:" + strings.Repeat("0", 64)
	dir := t.TempDir()
	conf, bad := filepath.Join(dir, "c.toml"), filepath.Join(dir, "bad.toml")
	for path, text := range map[string]string{conf: "state = \"" + dir + "\"\n", bad: "stat = 1\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name, stdin string
		args        []string
		stdout, err string
		usage       bool
	}{
		{name: "help", args: []string{"--help"}, stdout: "usage: casview-hook"},
		{name: "version", args: []string{"--version"}, stdout: "casview-hook "},
		{name: "no stage", args: []string{"--config", conf}, err: "one stage expected", usage: true},
		{name: "two stages", args: []string{"poststop", "poststop"}, err: "one stage expected", usage: true},
		{name: "unknown stage", args: []string{"createContainer"}, err: `unknown stage "createContainer"`, usage: true},
		{name: "unknown option", args: []string{"--conf", conf, "poststop"}, err: "-conf", usage: true},
		{name: "bad inputs", args: []string{"--inputs", "sha256:1", "createRuntime"}, err: "--inputs: digest", usage: true},
		{name: "empty inputs", args: []string{"--inputs", "", "createRuntime"}, err: "is empty", usage: true},
		{name: "target alone", args: []string{"--target", "/work", "createRuntime"}, err: "need --inputs", usage: true},
		{name: "inputs for a container that did not ask", args: []string{"--config", conf, "--inputs", digest, "createRuntime"}, stdin: state, err: "/none/config.json"},
		{name: "inputs at the end", args: []string{"--config", conf, "--inputs", digest, "poststop"}, stdin: state},
		{name: "no configuration", args: []string{"--config", "/none.toml", "poststop"}, err: "/none.toml"},
		{name: "bad configuration", args: []string{"--config", bad, "poststop"}, err: bad + ":1: stat: unknown key"},
		{name: "no state", args: []string{"--config", conf, "createRuntime"}, err: "container state on stdin: empty"},
		{name: "not asked", args: []string{"--config", conf, "createRuntime"}, stdin: state},
		{name: "not asked, old stage", args: []string{"--config", conf, "prestart"}, stdin: state},
		{name: "unknown container", args: []string{"--config", conf, "poststop"}, stdin: state},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := run(c.args, strings.NewReader(c.stdin), &out)
			if (c.err == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			var wrong usageError
			if errors.As(err, &wrong) != c.usage {
				t.Errorf("usage error: %v", err)
			}
			if !strings.HasPrefix(out.String(), c.stdout) || (c.stdout == "" && out.Len() > 0) {
				t.Errorf("stdout %q", &out)
			}
		})
	}
}
