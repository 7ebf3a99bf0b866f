package install

// runtimeHandler is the name of casview's runtime in Docker, and of its runtime handler in containerd.
const runtimeHandler = "casview"

// docker is the runtime's entry in daemon.json: Docker reads no other file beside it.
func (o Options) docker() (part, error) {
	path, err := o.host(o.etc("docker/daemon.json"))
	if err != nil {
		return part{}, err
	}
	entry := member{path: []string{"runtimes", runtimeHandler}, value: map[string]string{"path": o.runtime()}}
	need := part{
		files:  []File{{Path: path, Mode: 0o644, change: entry}},
		reload: "systemctl reload docker",
		first:  "casview run --inputs DIR -- docker run --rm --runtime " + runtimeHandler + " IMAGE COMMAND",
	}
	if o.UserConfig != "" {
		// The unit's main process is rootlesskit: a reload does not reach dockerd.
		need.reload = "systemctl --user restart docker"
	}
	return need, nil
}
