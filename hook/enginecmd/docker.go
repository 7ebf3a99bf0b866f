package enginecmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/casview/casview/hook/state"
)

// Names by which Docker knows casview: that of the runtime in daemon.json, and of the program it stands for.
const (
	dockerRuntime  = "casview"
	runtimeProgram = "casview-runtime"
)

// prepareDocker is for Docker, which has no hooks of its own, and before version 24 (API 1.43) no annotations either.
// A Docker that can't be asked will say itself what is wrong.
func prepareDocker(ctx context.Context, c Command, r Request) (Command, error) {
	version, err := c.ask(ctx, "version", "--format", "{{.Client.APIVersion}}")
	if err == nil && !hasAnnotations(version) {
		c, err = c.withVariables(r)
	} else {
		c, err = prepareAnnotated(ctx, c, r)
	}
	if err != nil {
		return c, err
	}
	if _, given := c.last("runtime"); given {
		return c, nil
	}
	info, err := c.ask(ctx, "info", "--format", `{"default": {{json .DefaultRuntime}}, "runtimes": {{json .Runtimes}}}`)
	if err != nil {
		return c, nil
	}
	name, err := casviewRuntime(info)
	if err != nil || name == "" {
		return c, err
	}
	return c.with(c.engine.runtime, name), nil
}

// ask runs a command of the engine and returns what it prints.
func (c Command) ask(ctx context.Context, words ...string) (string, error) {
	argv := slices.Concat(c.argv[1:c.globals], words)
	out, err := exec.CommandContext(ctx, c.argv[0], argv...).Output()
	return strings.TrimSpace(string(out)), err
}

// hasAnnotations looks at the API version that client and daemon have agreed on, the lower of both.
func hasAnnotations(version string) bool {
	major, minor, _ := strings.Cut(version, ".")
	a, err := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	return err != nil || err2 != nil || a > 1 || b >= 43
}

// withVariables adds the request as variables of the container's environment.
func (c Command) withVariables(r Request) (Command, error) {
	if !r.AcceptEnv {
		return c, errors.New("this docker is older than 24 and has no annotations: set policy.accept_env = true in casview's " +
			"configuration, so that casview run may pass them as CASVIEW_* variables")
	}
	if err := c.ownVariables(); err != nil {
		return c, err
	}
	var words []string
	for _, a := range r.Annotations {
		name, ok := state.Variable(a.Key)
		if !ok {
			return c, fmt.Errorf("annotation %s: has no variable that stands for it", a.Key)
		}
		words = append(words, "--env", name+"="+a.Value)
	}
	return c.with(words...), nil
}

// casviewRuntime chooses among the daemon's runtimes; "" is the default one.
func casviewRuntime(info string) (string, error) {
	var d struct {
		Default  string
		Runtimes map[string]struct{ Path string }
	}
	if err := json.Unmarshal([]byte(info), &d); err != nil {
		return "", nil // another program under docker's name, podman's for example
	}
	is := func(name string) bool {
		r, ok := d.Runtimes[name]
		return ok && (name == dockerRuntime || filepath.Base(r.Path) == runtimeProgram)
	}
	if is(d.Default) {
		return "", nil
	}
	if is(dockerRuntime) {
		return dockerRuntime, nil
	}
	for _, name := range slices.Sorted(maps.Keys(d.Runtimes)) {
		if is(name) {
			return name, nil
		}
	}
	return "", fmt.Errorf("docker knows no runtime %q, so the container would run without the view: casview install --engine docker",
		dockerRuntime)
}
