package e2e

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ourHooks calls change for each of casview's hooks in a bundle.
func ourHooks(spec *specs.Spec, change func(h *specs.Hook)) {
	if spec.Hooks == nil {
		return
	}
	//lint:ignore SA1019 prestart is the older name of createRuntime, and casview takes both
	for _, stage := range [][]specs.Hook{spec.Hooks.Prestart, spec.Hooks.CreateRuntime, spec.Hooks.Poststop} {
		for i := range stage {
			if strings.HasSuffix(stage[i].Path, "casview-hook") {
				change(&stage[i])
			}
		}
	}
}

func withHookEnvironment(env []string) func(*specs.Spec) {
	return func(spec *specs.Spec) { ourHooks(spec, func(h *specs.Hook) { h.Env = env }) }
}

// withHookPath replaces the program of the hooks.
func withHookPath(path string) func(*specs.Spec) {
	return func(spec *specs.Spec) { ourHooks(spec, func(h *specs.Hook) { h.Path = path }) }
}

// withPrestart moves the create hook to its older name.
func withPrestart(spec *specs.Spec) {
	ourHooks(spec, func(h *specs.Hook) {
		for i, arg := range h.Args {
			if arg == "createRuntime" {
				h.Args[i] = "prestart"
			}
		}
	})
	//lint:ignore SA1019 see above
	spec.Hooks.Prestart, spec.Hooks.CreateRuntime = spec.Hooks.CreateRuntime, nil
}

// withUserNamespace maps the container's ids to 65,536 of the host's from first on.
func withUserNamespace(first uint32) func(*specs.Spec) {
	return func(spec *specs.Spec) {
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: first, Size: 65536}}
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		spec.Linux.UIDMappings, spec.Linux.GIDMappings = ids, ids
	}
}
