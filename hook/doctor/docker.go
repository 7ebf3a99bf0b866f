package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// dockerRuntime is one of daemon.json's, or of a running dockerd.
type dockerRuntime struct {
	Path string `json:"path"`
}

// docker looks at daemon.json and at what the running dockerd has taken from it.
func (d *doctor) docker(ctx context.Context, l *list, _ present) bool {
	file := d.dockerFile()
	configured, err := dockerConfigured(file)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			l.skip(RuntimeProgram, "needs root: "+err.Error())
			return false
		}
		l.broken(HookFile, err.Error(), "dockerd does not start with a daemon.json that it can't read.", d.sudo("dockerd --validate --config-file "+file))
		return false
	}
	name, path := ourRuntime(configured)
	if path != "" {
		d.runtimeRuns(ctx, l, path, file, "docker")
	}
	d.dockerRunning(ctx, l, file, name, path)
	return path != ""
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
func ourRuntime(all map[string]dockerRuntime) (name, path string) {
	var names []string
	for n, r := range all {
		if isOurRuntime(r.Path) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "", ""
	}
	first := slices.Min(names)
	return first, all[first].Path
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
	_, runningPath := ourRuntime(running)
	switch {
	case path != "" && running[name].Path != path:
		l.degraded(EngineRestart, fmt.Sprintf("%s has the runtime %s, which the running dockerd does not know", file, name),
			"dockerd refuses containers with this runtime until it reads the file again.", reload)
	case path == "" && runningPath != "":
		l.degraded(EngineRestart, fmt.Sprintf("the running dockerd has the runtime %s, which is not in %s", runningPath, file),
			"It is gone when dockerd restarts.", d.install("docker"))
	case path != "":
		l.ok(EngineRestart, "the running dockerd has the runtime "+name)
	}
}
