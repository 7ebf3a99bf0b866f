package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Engine is a container engine that casview can be installed into.
type Engine string

// All is every engine that the host has.
const (
	Podman     Engine = "podman"
	CRIO       Engine = "crio"
	Containerd Engine = "containerd"
	Docker     Engine = "docker"
	CDI        Engine = "cdi"
	All        Engine = "all"
)

// method is how casview gets into one engine.
type method struct {
	engine Engine
	// programs and places are what tells that a host has the engine: a program in PATH, or a file or folder of its own.
	programs, places []string
	// user says that a user may have the engine for themselves. userPlaces tell that they do, below their configuration; an
	// engine without them is there for everybody.
	user       bool
	userPlaces []string
	// wrapper says that the engine starts containers through casview-runtime.
	wrapper bool
	// reload is the command after which the engine knows of a change below folder, in /etc or the user's configuration;
	// userReload is that for the user's own engine. An engine without them looks by itself.
	folder, reload, userReload string
	plan                       func(Options) (part, error)
	// refuses says why the engine can't be had with these options, "" if it can. nil never refuses.
	refuses func(Options) string
}

// part is what one engine needs.
type part struct {
	files []File
	// first is how a container runs on a view then.
	first string
	// nothing says why there is nothing to install, "" if there is.
	nothing string
}

func methods() []method {
	return []method{
		{
			engine: Podman, programs: []string{"podman"}, places: []string{"/etc/containers/containers.conf"}, user: true,
			plan: Options.podman,
		},
		{
			engine: CRIO, programs: []string{"crio"}, places: []string{"/etc/crio"},
			folder: "crio", reload: "systemctl restart crio", plan: Options.crio,
		},
		{
			engine: Containerd, programs: []string{"containerd"}, places: []string{"/etc/containerd"}, wrapper: true,
			user: true, userPlaces: []string{"containerd", "systemd/user/containerd.service"},
			folder: "containerd", reload: "systemctl restart containerd", userReload: "systemctl --user restart containerd",
			plan: Options.containerd, refuses: Options.handlerRefuses,
		},
		{
			engine: Docker, programs: []string{"dockerd"}, places: []string{"/etc/docker"}, wrapper: true,
			user: true, userPlaces: []string{"docker/daemon.json", "systemd/user/docker.service"},
			// The main process of the user's unit is rootlesskit: a reload does not reach dockerd.
			folder: "docker", reload: "systemctl reload docker", userReload: "systemctl --user restart docker",
			plan: Options.docker,
		},
		{engine: CDI, places: []string{"/etc/cdi"}, user: true, userPlaces: []string{"cdi"}, plan: Options.cdi},
	}
}

// Engines are all of them, and All.
func Engines() []Engine {
	var out []Engine
	for _, m := range methods() {
		out = append(out, m.engine)
	}
	return append(out, All)
}

// ParseEngine reads an engine's name.
func ParseEngine(s string) (Engine, error) {
	if !slices.Contains(Engines(), Engine(s)) {
		return "", fmt.Errorf("engine %q: is none of %s", s, strings.Trim(fmt.Sprint(Engines()), "[]"))
	}
	return Engine(s), nil
}

// Skipped is an engine that All leaves out, or that there is nothing to install into.
type Skipped struct {
	Engine Engine `json:"engine"`
	Why    string `json:"why"`
}

// methods are those that the options ask for.
func (o Options) methods() (use []method, skipped []Skipped) {
	for _, m := range methods() {
		switch {
		case o.Engine == m.engine:
			use = append(use, m)
		case o.Engine != All:
		case o.UserConfig != "" && !m.user:
			skipped = append(skipped, Skipped{m.engine, "users have none of their own"})
		case !o.found(m):
			skipped = append(skipped, Skipped{m.engine, "is not here: no " + strings.Join(o.traces(m), ", no ")})
		case m.refuses != nil && m.refuses(o) != "":
			skipped = append(skipped, Skipped{m.engine, m.refuses(o)})
		default:
			use = append(use, m)
		}
	}
	return use, skipped
}

// traces are the programs, and the absolute paths of files, one of which is there where the engine is.
func (o Options) traces(m method) []string {
	if o.UserConfig == "" || m.userPlaces == nil {
		return append(slices.Clone(m.programs), m.places...)
	}
	var out []string
	for _, place := range m.userPlaces {
		out = append(out, filepath.Join(o.UserConfig, place))
	}
	return out
}

// found tells whether the engine is there.
func (o Options) found(m method) bool {
	return slices.ContainsFunc(o.traces(m), func(trace string) bool {
		if !filepath.IsAbs(trace) {
			return o.program(trace) != ""
		}
		path, err := o.host(trace)
		return err == nil && exists(path)
	})
}

// program is where the host has a program, as this process sees it; "" when it has none.
func (o Options) program(name string) string {
	if !o.elsewhere() {
		path, err := exec.LookPath(name)
		if err != nil {
			return ""
		}
		return path
	}
	for _, dir := range []string{"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"} {
		if path, err := o.host(filepath.Join("/", dir, name)); err == nil && exists(path) {
			return path
		}
	}
	return ""
}

// reloads tells whether the engine must be told of a change to a file that it owns.
func (m method) reloads(o Options, f File) bool {
	if m.reload == "" || !slices.Contains(f.owners, o.owner(m.engine)) {
		return false
	}
	return f.change != nil || f.undone || strings.HasPrefix(o.onHost(f.Path), o.etc(m.folder)+"/")
}

func (m method) reloadCommand(o Options) string {
	if o.UserConfig != "" {
		return m.userReload
	}
	return m.reload
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
