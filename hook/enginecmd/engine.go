package enginecmd

import (
	"context"
	"slices"
)

// engine is what casview knows of one engine's command line.
type engine struct {
	names  []string
	group  string // the word that may stand before `run`
	option string // the option of `run` that adds an annotation
	// globals counts the leading arguments that are global options with their values.
	globals func(args []string) (int, error)
	// options are those of `run` that take no value, and of the others those that have a letter.
	options runOptions
	// runtime is the option of `run` that names the program which plays the OCI runtime, "" where hooks come without it.
	runtime string
	// keeps says that the engine refuses --rm with a detached container.
	keeps bool
	// failures are the exit codes by which the engine says that it has failed itself, or that the job could not start.
	failures []int
	traces   traces
	prepare  func(context.Context, Command, Request) (Command, error)
	// wait is the command that ends with a container.
	wait func(Command, string) Wait
}

func engines() []engine {
	return []engine{
		{
			names: []string{"podman", "podman-remote"}, group: "container", option: "--annotation", globals: podmanGlobals,
			options: podmanRun(), failures: []int{125, 126, 127},
			traces: traces{option: "cidfile", forgets: true, events: withoutStream}, prepare: prepareAnnotated, wait: waitPrints,
		}, {
			names: []string{"docker"}, group: "container", option: "--annotation", globals: dockerGlobals,
			options: dockerRun(), runtime: "--runtime", failures: []int{1, 125, 126, 127},
			traces: traces{option: "cidfile", events: untilNow}, prepare: prepareDocker, wait: waitPrints,
		}, {
			names: []string{"nerdctl"}, group: "container", option: "--annotation", globals: nerdctlGlobals,
			options: nerdctlRun(), runtime: "--runtime", failures: []int{1},
			traces: traces{option: "cidfile", forgets: true}, prepare: prepareWrapped, wait: waitPrints,
		}, {
			// ctr ignores --annotation when it is given --config; every --label becomes an annotation in both cases.
			names: []string{"ctr"}, option: "--label", globals: ctrGlobals,
			options: ctrRun(), runtime: "--runc-binary", keeps: true, failures: []int{1},
			traces: traces{option: "pid-file", task: true}, prepare: prepareWrapped, wait: waitAttached,
		},
	}
}

func engineNamed(name string) (engine, bool) {
	all := engines()
	i := slices.IndexFunc(all, func(e engine) bool { return slices.Contains(e.names, name) })
	if i < 0 {
		return engine{}, false
	}
	return all[i], true
}

func engineNames() []string {
	var out []string
	for _, e := range engines() {
		out = append(out, e.names[0])
	}
	return out
}
