package doctor

import (
	"context"
	"path/filepath"

	"github.com/casview/casview/hook/install"
	"github.com/casview/casview/hook/spec"
)

// isOurRuntime tells by its path whether a runtime is casview's.
func isOurRuntime(path string) bool { return filepath.Base(path) == install.RuntimeName }

// runtimeRuns looks at a wrapper that an engine's configuration names, and at the programs beside it.
func (d *doctor) runtimeRuns(ctx context.Context, l *list, path, named, engine string) {
	program := look(path)
	if filepath.IsAbs(path) {
		program = path
	}
	if program == "" {
		l.broken(RuntimeProgram, named+" names "+path+", which is not on PATH", whyRuntime(engine), d.install(engine))
		return
	}
	for _, name := range []string{install.RuntimeName, spec.HookName, fsdName} {
		beside := filepath.Join(filepath.Dir(program), name)
		if cause := cannotRun(beside); cause != "" {
			l.broken(RuntimeProgram, named+" names "+path+": "+cause, whyRuntime(engine), d.install(engine))
			return
		}
	}
	l.ok(RuntimeProgram, program+" and the casview-hook and casview-fsd beside it can run")
	d.hookVersion(ctx, l, filepath.Join(filepath.Dir(program), spec.HookName), engine)
}

func whyRuntime(engine string) string { return engine + " can't start a container with this runtime." }
