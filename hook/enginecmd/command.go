package enginecmd

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Annotation is one annotation of a container.
type Annotation struct{ Key, Value string }

// Command is an engine's command line that starts a container and waits for it. A value that came from Parse is valid.
type Command struct {
	argv   []string
	engine engine
	insert int // index in argv right after the verb `run`
}

// Parse reads an engine's command line: the program, its global options, and `run` or `container run`. What follows is
// left to the engine, but must not give annotations that casview adds.
func Parse(argv []string) (Command, error) {
	if len(argv) == 0 {
		return Command{}, errors.New("no command given: write it after --, as in -- podman run IMAGE")
	}
	name := filepath.Base(argv[0])
	e, ok := engineNamed(name)
	if !ok {
		return Command{}, unknownEngine(name)
	}
	at, err := e.afterVerb(argv)
	if err != nil {
		return Command{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := e.ownAnnotations(argv[at:]); err != nil {
		return Command{}, fmt.Errorf("%s: %w", name, err)
	}
	return Command{argv: slices.Clone(argv), engine: e, insert: at}, nil
}

func unknownEngine(name string) error {
	if slices.Contains([]string{"sudo", "doas", "env", "nice", "time", "unshare", "sh", "bash"}, name) {
		return fmt.Errorf("%s is no container engine: put it before casview, as in `%s casview run --inputs DIR -- podman run IMAGE`", name, name)
	}
	return fmt.Errorf("%q is no container engine that casview knows: use %s, or set the annotations yourself (see casview spec)",
		name, strings.Join(engineNames(), ", "))
}

// afterVerb returns the index of the first argument after `run`. Global options may stand before each word.
func (e engine) afterVerb(argv []string) (int, error) {
	at := 1
	for _, group := range []bool{true, false} {
		n, err := e.globals(argv[at:])
		if err != nil {
			return 0, err
		}
		at += n
		switch {
		case at == len(argv):
			return 0, errors.New("no `run` in the command")
		case argv[at] == "run":
			return at + 1, nil
		case group && e.group != "" && argv[at] == e.group:
			at++
		default:
			return 0, fmt.Errorf("`%s` is not supported, only `run`: a job is one container from start to end", argv[at])
		}
	}
	return 0, errors.New("no `run` in the command")
}

// Program is the engine's program as the caller wrote it.
func (c Command) Program() string { return c.argv[0] }

// Annotate returns the command line with the annotations as the first options of `run`.
func (c Command) Annotate(annotations []Annotation, q Quoting) []string {
	out := slices.Clone(c.argv[:c.insert])
	for _, a := range annotations {
		out = append(out, c.engine.option, q.quote(a.Key+"="+a.Value))
	}
	return append(out, c.argv[c.insert:]...)
}
