package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// process calls the built program, beside which there is a hook.
func (s site) process(args ...string) output {
	s.t.Helper()
	casview := program(s.t)
	for _, name := range []string{"casview-hook", "casview-runtime"} {
		write(s.t, filepath.Join(filepath.Dir(casview), name), "")
	}
	var o output
	cmd := exec.Command(casview, append([]string{"--config", s.config}, args...)...)
	var out, err strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &err
	_ = cmd.Run()
	o.code, o.out, o.err = cmd.ProcessState.ExitCode(), out.String(), err.String()
	return o
}

func TestSpec(t *testing.T) {
	s, bundle := newSite(t), t.TempDir()
	path := filepath.Join(bundle, "config.json")
	write(t, path, `{"ociVersion": "1.0.2", "annotations": {"other": "stays"}}`+"\n")
	args := []string{"spec", "--bundle", bundle, "--inputs", someDigest, "--run", "job", "--target", "/work", "--output", "bin/**"}
	for range 2 { // the second time changes nothing
		if o := s.process(args...); o.code != 0 || o.out != "" || o.err != "" {
			t.Fatalf("exit %d, %q, %q", o.code, o.out, o.err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got specs.Spec
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"other": "stays", "io.casview.inputs": someDigest, "io.casview.run": "job",
		"io.casview.target": "/work", "io.casview.outputs": `["bin/**"]`} {
		if got.Annotations[key] != want {
			t.Errorf("%s: got %q, want %q", key, got.Annotations[key], want)
		}
	}
	if got.Hooks == nil || len(got.Hooks.CreateRuntime) != 1 || len(got.Hooks.Poststop) != 1 ||
		!strings.Contains(strings.Join(got.Hooks.Poststop[0].Args, " "), "--config "+s.config) {
		t.Errorf("hooks: %s", b)
	}
}

func TestSpecFailures(t *testing.T) {
	s := newSite(t)
	s.process("spec", "--bundle", "/nowhere", "--inputs", someDigest).wantExit(t, exitFailure, "bundle /nowhere: ")
	s.process("spec", "--inputs", someDigest, "--target", "/etc").wantExit(t, exitFailure, "not in view.allowed_targets")
	// No hook lies beside the test binary.
	s.casview("spec", "--inputs", someDigest).wantExit(t, exitFailure, "casview-hook")
}
