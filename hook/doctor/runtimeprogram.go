package doctor

import (
	"context"
	"path/filepath"

	"github.com/casview/casview/hook/install"
	"github.com/casview/casview/hook/spec"
)

// isOurRuntime tells by its path whether a runtime is casview's.
func isOurRuntime(path string) bool { return filepath.Base(path) == install.RuntimeName }

// wrapped is an engine whose configuration names casview's runtime.
type wrapped struct {
	engine string
	// named is where: a file or a section.
	named string
	path  string
	// config is the configuration that the runtime is told of, "" for the default one.
	config string
}

// runtimeRuns looks at the runtime, at the programs beside it and at its configuration.
func (d *doctor) runtimeRuns(ctx context.Context, l *list, w wrapped) {
	program := look(w.path)
	if filepath.IsAbs(w.path) {
		program = w.path
	}
	why := w.engine + " can't start a container with this runtime."
	if program == "" {
		l.broken(RuntimeProgram, w.named+" names "+w.path+", which is not on PATH", why, d.mendPrograms(w.engine, install.RuntimeName))
		return
	}
	for _, name := range []string{install.RuntimeName, spec.HookName, fsdName} {
		beside := filepath.Join(filepath.Dir(program), name)
		if cause := cannotRun(beside); cause != "" {
			l.broken(RuntimeProgram, w.named+" names "+w.path+": "+cause, why, d.mendPrograms(w.engine, install.RuntimeName))
			return
		}
	}
	l.ok(RuntimeProgram, program+" and the casview-hook and casview-fsd beside it can run")
	d.hookVersion(ctx, l, filepath.Join(filepath.Dir(program), spec.HookName), w.engine)
	if d.rootless() && w.config == "" {
		l.skip(HookConfig, "it is that of root's engine: run casview doctor as root")
		return
	}
	d.hookConfig(l, w.named, w.config, w.engine)
}
