package e2e

import (
	"crypto/rand"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Annotations of formats.md.
const (
	annInputs  = "io.casview.inputs"
	annTarget  = "io.casview.target"
	annRun     = "io.casview.run"
	annOutputs = "io.casview.outputs"
)

// job is one container to run.
type job struct {
	inputs      string            // root digest; "" leaves casview off
	run         string            // run name; "" lets casview take the container's id
	annotations map[string]string // further ones
	args        []string
	uid, gid    int // of process.user
	readonly    bool
	binds       []bind
	rootfs      string   // "" is the engine's own
	options     []string // further options of `podman run`
	image       string   // an image of podman's, instead of a root filesystem
	// id and edit are for engines that are given a bundle: the container's id ("" is a fresh one), and the last word on
	// config.json.
	id   string
	edit func(*specs.Spec)
}

// bind shows a host path read-only in the container.
type bind struct{ host, container string }

// sh is a job that runs a shell script in /workspace.
func sh(inputs, run, script string) job {
	return job{inputs: inputs, run: run, args: []string{"/bin/sh", "-ec", "cd /workspace\n" + script}}
}

// allAnnotations are those that the engine has to put on the container.
func (j job) allAnnotations() map[string]string {
	all := map[string]string{}
	if j.inputs != "" {
		all[annInputs] = j.inputs
	}
	if j.run != "" {
		all[annRun] = j.run
	}
	for k, v := range j.annotations {
		all[k] = v
	}
	return all
}

// unique returns a run name that no other test has.
func unique(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text()[:10])
}
