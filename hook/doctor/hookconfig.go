package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/spec"
)

// configNamed is the configuration that a hook names, or "".
func configNamed(h specs.Hook) string { return option(h.Args, "--config") }

// hookConfig looks at the configuration that the hook will read, and whether it is the one that casview reads here: with
// another state directory, runs and results are elsewhere.
func (d *doctor) hookConfig(l *list, named, path, engine string) {
	c, err := config.Load(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		l.skip(HookConfig, err.Error())
	case err != nil:
		l.broken(HookConfig, fmt.Sprintf("%s: %v", named, err),
			"The hook fails, and with it each container that asks for casview.",
			"casview --config "+quote(orDefault(path))+" config check   # or: "+d.install(engine))
	case d.rootless() && engine == "podman" && cannotWrite(c.State) != nil:
		// Root's hooks, which a user's podman reads too. Docker's and containerd's are called by root.
		l.broken(HookConfig,
			fmt.Sprintf("containers keep their state in %s (%s): user %d can't write there: %v", c.State, orDefault(path), d.uid, cannotWrite(c.State)),
			"The hook fails, and with it each container that asks for casview.", d.install(engine))
	case filepath.Clean(c.State) != filepath.Clean(d.config.State):
		l.degraded(HookConfig,
			fmt.Sprintf("containers keep their state in %s (%s), this casview in %s", c.State, orDefault(path), d.config.State),
			"Inputs are not found, and casview result does not see the runs.", "casview --config "+quote(orDefault(path))+" ...   # or, with this configuration: "+d.install(engine))
	default:
		l.ok(HookConfig, "the hook's configuration loads")
	}
}

// cannotWrite says why this user can't have state in a directory, or make it.
func cannotWrite(state string) error {
	place, _ := placeOf(state)
	return unix.Faccessat(unix.AT_FDCWD, place, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

func orDefault(path string) string {
	if path == "" {
		return config.DefaultPath()
	}
	return path
}

// hookOptions compares what is written into hook files with the configuration that it came from.
func (d *doctor) hookOptions(l *list, files []hookFile, engine string) {
	const why = "Hook files hold what followed from the configuration when they were written."
	for _, f := range files {
		c, err := config.Load(configNamed(f.Hook))
		if err != nil {
			return // said already
		}
		if c.Policy.AcceptEnv && !f.When.Always {
			l.degraded(HookOptions, f.path+" is for containers with annotations, but policy.accept_env is true",
				"A container that asks by its environment silently runs without casview.", d.install(engine))
			return
		}
		if !slices.Contains(f.Stages, string(spec.Poststop)) {
			continue
		}
		want := spec.Program{Path: f.Hook.Path, CollectTimeout: c.Collect.Timeout.Duration}.Hook(spec.Poststop)
		if f.Hook.Timeout == nil || *f.Hook.Timeout != *want.Timeout {
			l.degraded(HookOptions,
				fmt.Sprintf("%s has another time limit than follows from collect.timeout, %d seconds", f.path, *want.Timeout),
				why+" With a shorter one the runtime kills the hook while it waits for outputs.", d.install(engine))
			return
		}
	}
	l.ok(HookOptions, "the hooks fit their configuration")
}
