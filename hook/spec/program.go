package spec

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/hook/state"
)

// HookName is the file name of the hook program, by which casview knows its own hooks again.
const HookName = state.HookName

// Stage is a point in a container's life at which the hook runs. There is exactly one create stage: a runtime that knows
// createRuntime runs prestart as well.
type Stage string

// The stages that casview uses.
const (
	CreateRuntime Stage = "createRuntime"
	Poststop      Stage = "poststop"
)

// prestart is createRuntime's older name: an old configuration may have casview's hook there.
const prestart Stage = "prestart"

// createTimeout is far above what createRuntime takes: its own bound is ten seconds.
const createTimeout = 30 * time.Second

// poststopWaits is how often poststop may wait for collect.timeout: for the view to end, for a collection that began late,
// and for one of its own.
const poststopWaits = 3

// ConfigOption is the option of casview-hook that names the configuration.
const ConfigOption = "--config"

// Program says how runtimes start casview-hook.
type Program struct {
	// Path is the absolute path of casview-hook. casview-fsd is beside it.
	Path string
	// Config is the absolute path of the configuration, or "" for the default one.
	Config string
	// CollectTimeout is collect.timeout of that configuration. It bounds poststop.
	CollectTimeout time.Duration
}

// Check tells whether runtimes could use it: they refuse hooks with a relative path.
func (p Program) Check() error {
	switch {
	case !filepath.IsAbs(p.Path):
		return fmt.Errorf("hook %q: is not an absolute path", p.Path)
	case p.Config != "" && !filepath.IsAbs(p.Config):
		return fmt.Errorf("configuration %q: is not an absolute path", p.Config)
	case p.CollectTimeout < 0:
		return errors.New("collect timeout: is negative")
	}
	return nil
}

// Hook is the hook of one stage. Its environment is explicit: without one some runtimes give it the engine's, others none.
func (p Program) Hook(stage Stage) specs.Hook {
	args := []string{HookName}
	if p.Config != "" {
		args = append(args, ConfigOption, p.Config)
	}
	timeout := seconds(createTimeout)
	if stage == Poststop {
		timeout = seconds(poststopWaits*p.CollectTimeout + createTimeout)
	}
	return specs.Hook{
		Path:    p.Path,
		Args:    append(args, string(stage)),
		Env:     []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Timeout: &timeout,
	}
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// Ours tells whether a hook is casview's, of whatever version.
func Ours(h specs.Hook) bool { return filepath.Base(h.Path) == HookName }

// AddHooks puts both hooks into a configuration, in the place of earlier ones of casview. One that names inputs is not its
// own to replace: an administrator gave them to the container, by a CDI spec.
func (p Program) AddHooks(h *specs.Hooks) {
	//lint:ignore SA1019 an old configuration may have casview's hook there
	h.Prestart = without(h.Prestart)
	h.CreateRuntime = append(without(h.CreateRuntime), p.Hook(CreateRuntime))
	h.Poststop = append(without(h.Poststop), p.Hook(Poststop))
}

func without(hooks []specs.Hook) []specs.Hook {
	var out []specs.Hook
	for _, h := range hooks {
		if !replaceable(h) {
			out = append(out, h)
		}
	}
	return out
}

func replaceable(h specs.Hook) bool { return Ours(h) && !state.WithInputs(h.Args) }
