package examples

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/casview/casview/fsd/result"
)

// forge is a host of runners: casview and podman are on its PATH and configured, and the image that the examples name is
// there. It runs what stands in the examples' YAML files, as it stands.
type forge struct {
	dir, project string
	env          []string
}

const forgeImage = "docker.io/library/busybox:1.36"

// newForge copies examples/project to a path below the forge's directory. settings go into casview's configuration.
func newForge(t *testing.T, project, settings string) *forge {
	t.Helper()
	needHost(t)
	dir := tempDir(t)
	f := &forge{dir: dir, project: filepath.Join(dir, project)}
	must(t, os.CopyFS(f.project, os.DirFS("project")))
	config := writeFile(t, fmt.Sprintf("state = %q\n%s", dir+"/state", strings.ReplaceAll(settings, "DIR", dir)), dir, "config.toml")
	writeFile(t, fmt.Sprintf("#!/bin/sh\nexec %s/casview --config %s \"$@\"\n", shared.bin, config), dir, "bin/casview")
	hooks := filepath.Join(dir, "hooks.d")
	run(t, dir+"/bin/casview", "install", "--engine", "podman", "--hooks-dir", hooks)
	podman := filepath.Join(dir, "podman")
	f.env = append(podmanEnv(t, podman), "PATH="+dir+"/bin:"+os.Getenv("PATH"))
	conf := read(t, podman+"/containers.conf")
	writeFile(t, fmt.Sprintf("%shooks_dir = [%q]\n", conf, hooks), podman, "containers.conf")
	run(t, "bash", "-c", `. lib/bundle.sh; make_rootfs "$1/rootfs"; tar -C "$1/rootfs" -cf "$1/rootfs.tar" .`, "bash", dir)
	f.run(t, "podman", "import", "--change", "ENV PATH=/bin", dir+"/rootfs.tar", forgeImage).want(t, 0, "")
	t.Cleanup(func() { nothingRuns(t) })
	return f
}

// run runs a command in the project's directory.
func (f *forge) run(t *testing.T, program string, args ...string) outcome {
	t.Helper()
	return f.with(t, nil, program, args...)
}

func (f *forge) with(t *testing.T, env []string, program string, args ...string) outcome {
	t.Helper()
	if path := filepath.Join(f.dir, "bin", program); program == "casview" {
		program = path
	}
	cmd := exec.Command(program, args...)
	cmd.Env = slices.Concat(os.Environ(), f.env, env)
	cmd.Dir = f.project
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", program, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// result is that of a run.
func (f *forge) result(t *testing.T, name string) *result.Result {
	t.Helper()
	r, err := result.Read(filepath.Join(f.dir, "state/runs", name, "result.json"))
	must(t, err)
	return r
}

// decode reads a YAML file, and refuses what the type does not have.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, path)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
