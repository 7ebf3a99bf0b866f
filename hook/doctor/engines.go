package doctor

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/casview/casview/hook/install"
)

// engine is how one engine is found and looked at.
type engine struct {
	name string
	// programs are looked for in this order; the first that is there is asked with "--version".
	programs []string
	// units are its systemd services.
	units []string
	// look adds what it finds, and tells whether casview is installed there. It is nil for engines that use another's
	// installation.
	look func(d *doctor, ctx context.Context, l *list, e present) installation
}

// installation is whether casview is installed into an engine.
type installation int

const (
	missing installation = iota
	installed
	// needless is for engines whose users name casview in each command.
	needless
	// unknown is for engines whose configuration is broken.
	unknown
)

// installedIf is for engines that need an installation.
func installedIf(is bool) installation {
	if is {
		return installed
	}
	return missing
}

// present is an engine that is there.
type present struct {
	path    string
	version version
}

func engines() []engine {
	return []engine{
		{name: "podman", programs: []string{"podman"}, units: []string{"podman.service"}, look: (*doctor).podman},
		{name: "crio", programs: []string{"crio"}, units: []string{"crio.service"}, look: (*doctor).crio},
		{name: "docker", programs: []string{"dockerd", "docker"},
			units: []string{"docker.service", "containerd.service"}, look: (*doctor).docker},
		{name: "containerd", programs: []string{"containerd"}, units: []string{"containerd.service"},
			look: (*doctor).containerd},
		{name: "nerdctl", programs: []string{"nerdctl"}},
		{name: "buildkit", programs: []string{"buildkitd"}, units: []string{"buildkit.service"}, look: (*doctor).buildkit},
	}
}

// bareRuntimes run bundles by themselves, on which `casview spec` puts the hooks.
func bareRuntimes() []string { return []string{"runc", "crun"} }

const whySetup = "Where the engine knows nothing of casview, a container that asks for it runs without, silently."

func (d *doctor) engines(ctx context.Context) {
	found := d.lookAtEngines(ctx)
	d.runtimes(ctx)
	devices := d.cdi()
	d.setup(found[installed], found[missing], devices > 0)
	if d.Run {
		d.jobs(ctx, append(found[installed], found[needless]...))
	}
}

// lookAtEngines returns the names of the engines that are here.
func (d *doctor) lookAtEngines(ctx context.Context) map[installation][]string {
	names := map[installation][]string{}
	found := false
	for _, e := range engines() {
		if d.Engine != "" && d.Engine != e.name {
			continue
		}
		at, ok := d.find(ctx, e)
		if !ok {
			continue
		}
		found = true
		if e.look != nil {
			d.of(e.name, func(l *list) {
				is := e.look(d, ctx, l, at)
				names[is] = append(names[is], e.name)
			})
		}
		d.of(e.name, func(l *list) { d.killMode(ctx, l, e.units) })
	}
	if !found {
		d.host(d.noEngine)
	}
	return names
}

func (d *doctor) find(ctx context.Context, e engine) (present, bool) {
	i := slices.IndexFunc(e.programs, func(name string) bool { return look(name) != "" })
	if i < 0 {
		return present{}, false
	}
	p := present{path: look(e.programs[i])}
	d.of(e.name, func(l *list) {
		out, err := ask(ctx, p.path, "--version")
		if err == nil {
			p.version, err = parseVersion(out)
		}
		if err != nil {
			l.skip(Engine, "which version it is can't be told: "+err.Error())
			return
		}
		l.ok(Engine, fmt.Sprintf("%s %s", p.path, p.version))
	})
	return p, true
}

func (d *doctor) noEngine(l *list) {
	if d.Engine != "" {
		l.broken(Engines, d.Engine+" is not on this host's PATH", "casview is called by container engines.",
			"install it, or name another with --engine")
		return
	}
	for _, name := range bareRuntimes() {
		if path := look(name); path != "" {
			l.ok(Engines, "no engine but "+path+": casview spec adds casview to its bundles")
			return
		}
	}
	l.broken(Engines, "no container engine and no runtime is on PATH", "casview is called by container engines.",
		d.sudo("apt-get install podman")+"   # or another of "+strings.Join(EngineNames(), ", "))
}

// setup tells of engines that casview is not installed into. That is a fault only where it was asked for, or where there is
// no other way to casview.
func (d *doctor) setup(has, lacks []string, byDevice bool) {
	for _, name := range has {
		d.of(name, func(l *list) { l.ok(EngineSetup, "casview is installed into it") })
	}
	for _, name := range lacks {
		d.of(name, func(l *list) {
			switch {
			case len(has) > 0:
				l.skip(EngineSetup, "casview is not installed into it")
				return
			case byDevice:
				l.skip(EngineSetup, "casview is not installed into it; containers with a CDI device of casview's have its hooks")
				return
			}
			l.broken(EngineSetup, "casview is not installed into it", whySetup, d.install(name))
		})
	}
}

// install is the command that installs into an engine, once the files that installing would stop at, and others that are
// named, are out of its way.
func (d *doctor) install(engine string, away ...string) string {
	for _, path := range d.obstacles(engine) {
		if !slices.Contains(away, path) {
			away = append(away, path)
		}
	}
	if len(away) == 0 {
		return d.justInstall(engine)
	}
	for i := range away {
		away[i] = quote(away[i])
	}
	return d.sudo("rm "+strings.Join(away, " ")) + " && " + d.justInstall(engine)
}

// obstacles are the files of casview's that installing refuses to replace: those on record that somebody has edited, and
// hooks of casview's from elsewhere.
func (d *doctor) obstacles(name string) []string {
	o := install.Options{
		Engine: install.Engine(name), Programs: absolute(d.Programs),
		AcceptEnv: d.config.Policy.AcceptEnv, CollectTimeout: d.config.Collect.Timeout.Duration,
	}
	if d.ConfigFile != "" {
		o.Config = absolute(d.ConfigFile)
	}
	if name == string(install.Podman) {
		o.UserConfig = d.userConfig()
	}
	found, err := install.Obstacles(o)
	if err != nil {
		return nil // installing says why
	}
	var out []string
	for _, f := range found {
		hook, err := readHook(f.Path)
		if f.Recorded || err == nil && hook.ours() {
			out = append(out, f.Path)
		}
	}
	return out
}

// justInstall is the command that installs into an engine. Users install into their own podman. Docker and containerd 1 read no
// file beside the administrator's, which --in-place edits.
func (d *doctor) justInstall(engine string) string {
	switch engine {
	case "podman":
		return d.casview("install --engine podman")
	case "buildkit":
		return "add binary = " + fmt.Sprintf("%q",
			filepath.Join(d.Programs, install.RuntimeName)) + " below [worker.oci] in /etc/buildkit/buildkitd.toml"
	case "docker", "containerd":
		return d.sudo(d.casview("install --engine " + engine + " --in-place"))
	}
	return d.sudo(d.casview("install --engine " + engine))
}
