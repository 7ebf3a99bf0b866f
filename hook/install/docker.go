package install

// runtimeHandler is the name of casview's runtime in Docker, and of its runtime handler in containerd.
const runtimeHandler = "casview"

// dockerRuntime is an entry of runtimes in daemon.json.
type dockerRuntime struct {
	Path string   `json:"path"`
	Args []string `json:"runtimeArgs,omitempty"`
}

// docker is the runtime's entry in daemon.json: Docker reads no other file beside it.
func (o Options) docker() (part, error) {
	path, err := o.host(o.etc("docker/daemon.json"))
	if err != nil {
		return part{}, err
	}
	runtime := dockerRuntime{Path: o.runtime()}
	if !o.systemConfig() {
		runtime.Args = []string{"--casview-config", o.configFile()}
	}
	entry := member{path: []string{"runtimes", runtimeHandler}, value: runtime}
	need := part{
		files: []File{{Path: path, Mode: 0o644, change: entry}},
		first: "casview run --inputs DIR -- docker run --rm IMAGE COMMAND",
	}
	if !o.AcceptEnv {
		need.first += " (Docker before 24 has no annotations: it takes policy.accept_env = true in " + o.configFile() + ")"
	}
	return need, nil
}
