package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// dockerRuntime is one of daemon.json's, or of a running dockerd.
type dockerRuntime struct {
	Path string   `json:"path"`
	Args []string `json:"runtimeArgs"`
}

// docker looks at daemon.json and at what the running dockerd has taken from it.
func (d *doctor) docker(ctx context.Context, l *list, e present) installation {
	file := d.dockerFile()
	configured, err := dockerConfigured(file)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			l.skip(RuntimeProgram, "needs root: "+err.Error())
			return unknown
		}
		l.broken(HookFile, err.Error(), "dockerd does not start with a daemon.json that it can't read.", d.sudo(validating(e, file)))
		return unknown
	}
	name, ours := ourRuntime(configured)
	if ours.Path != "" {
		d.runtimeRuns(ctx, l,
			wrapped{engine: "docker", named: file, path: ours.Path, config: option(ours.Args, "--casview-config")})
		d.dockerOptions(l, e)
	}
	d.dockerRunning(ctx, l, file, name, ours.Path)
	return installedIf(ours.Path != "")
}

// validating is the command that says where daemon.json is wrong: dockerd itself since 23.
func validating(e present, file string) string {
	if e.version == (version{}) || e.version.before(23, 0) {
		return "jq . " + file
	}
	return "dockerd --validate --config-file " + file
}

// dockerOptions is about how a container can ask: dockerd before 24 drops annotations.
func (d *doctor) dockerOptions(l *list, e present) {
	if filepath.Base(e.path) != "dockerd" || e.version == (version{}) || d.rootless() {
		return
	}
	if e.version.before(24, 0) && !d.config.Policy.AcceptEnv {
		l.broken(HookOptions, fmt.Sprintf("dockerd %s has no annotations, and policy.accept_env is false", e.version),
			"A container has no way to ask for casview, and runs without.", "set accept_env = true below [policy] in "+d.configFile())
		return
	}
	l.ok(HookOptions, "a container can ask for casview")
}

func dockerConfigured(file string) (map[string]dockerRuntime, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c struct {
		Runtimes map[string]dockerRuntime `json:"runtimes"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c.Runtimes, nil
}

// ourRuntime returns the first by name of casview's.
func ourRuntime(all map[string]dockerRuntime) (name string, ours dockerRuntime) {
	var names []string
	for n, r := range all {
		if isOurRuntime(r.Path) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "", ours
	}
	first := slices.Min(names)
	return first, all[first]
}

// dockerRunning asks dockerd which runtimes it has: it reads daemon.json when it starts, and again when it is reloaded.
func (d *doctor) dockerRunning(ctx context.Context, l *list, file, name, path string) {
	client := look("docker")
	if client == "" {
		l.skip(EngineRestart, "there is no docker client to ask dockerd with")
		return
	}
	out, err := ask(ctx, client, "info", "--format", "{{json .Runtimes}}")
	var running map[string]dockerRuntime
	if err == nil {
		err = json.Unmarshal([]byte(out), &running)
	}
	if err == nil && running == nil {
		err = errors.New("docker info: names no runtimes")
	}
	if err != nil {
		l.skip(EngineRestart, "dockerd does not answer this user: "+err.Error())
		return
	}
	reload := d.sudo("systemctl reload docker")
	_, inUse := ourRuntime(running)
	switch {
	case path != "" && running[name].Path != path:
		l.degraded(EngineRestart, fmt.Sprintf("%s has the runtime %s, which the running dockerd does not know", file, name),
			"dockerd refuses containers with this runtime until it reads the file again.", reload)
	case path == "" && inUse.Path != "":
		l.degraded(EngineRestart,
			fmt.Sprintf("the running dockerd has the runtime %s, which is not in %s", inUse.Path, file),
			"It is gone when dockerd restarts.", d.install("docker"))
	case path != "":
		l.ok(EngineRestart, "the running dockerd has the runtime "+name)
	}
}
