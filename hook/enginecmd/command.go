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

// Command is an engine's command line that starts a container. A value that came from Parse is valid.
type Command struct {
	argv    []string
	engine  engine
	globals int // index in argv of the first word that is no global option: `run`, or the group before it
	insert  int // index in argv right after the verb `run`
	options []option
	// trace is the file in which the engine leaves its trace, "" if there is none; ownTrace says that the caller did not name it.
	trace    string
	ownTrace bool
	// removes says that the container is for the caller to remove.
	removes bool
	// otherRuntime is the option of the caller that names another runtime than casview's.
	otherRuntime string
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
	globals, at, err := e.verb(argv)
	if err != nil {
		return Command{}, fmt.Errorf("%s: %w", name, err)
	}
	c := Command{argv: slices.Clone(argv), engine: e, globals: globals, insert: at, options: e.options.read(argv, at)}
	if err := c.ownAnnotations(); err != nil {
		return Command{}, fmt.Errorf("%s: %w", name, err)
	}
	c.otherRuntime = c.findOtherRuntime()
	return c, nil
}

func unknownEngine(name string) error {
	if slices.Contains([]string{"sudo", "doas", "env", "nice", "time", "unshare", "sh", "bash"}, name) {
		return fmt.Errorf("%s is no container engine: put it before casview, as in `%s casview run --inputs DIR -- podman run IMAGE`", name, name)
	}
	return fmt.Errorf("%q is no container engine that casview knows: use %s, or set the annotations yourself (see casview spec)",
		name, strings.Join(engineNames(), ", "))
}

// verb returns the index after the first global options, and that of the first argument after `run`. Global options may
// stand before each word.
func (e engine) verb(argv []string) (globals, after int, err error) {
	at := 1
	for _, group := range []bool{true, false} {
		n, err := e.globals(argv[at:])
		if err != nil {
			return 0, 0, err
		}
		at += n
		if group {
			globals = at
		}
		switch {
		case at == len(argv):
			return 0, 0, errors.New("no `run` in the command")
		case argv[at] == "run":
			return globals, at + 1, nil
		case group && e.group != "" && argv[at] == e.group:
			at++
		default:
			return 0, 0, fmt.Errorf("`%s` is not supported, only `run`: a job is one container from start to end", argv[at])
		}
	}
	return 0, 0, errors.New("no `run` in the command")
}

// Program is the engine's program as the caller wrote it.
func (c Command) Program() string { return c.argv[0] }

// Argv is the command line.
func (c Command) Argv() []string { return slices.Clone(c.argv) }

// Detached tells whether the command returns while the container still runs.
func (c Command) Detached() bool { return c.isOn("detach") }

// Help tells whether the command prints the help of `run` and starts nothing. Only the options of `run` count: podman and
// docker start the container of `docker --help run IMAGE`, and -h is a host's name to all but ctr.
func (c Command) Help() bool { return c.isOn("help") }

// OwnFailure tells whether an exit code may be the engine's own, and not the job's.
func (c Command) OwnFailure(code int) bool { return slices.Contains(c.engine.failures, code) }

// OtherRuntime is the option by which the command itself names a runtime, "" if it names none, or casview's.
func (c Command) OtherRuntime() string { return c.otherRuntime }

func (c Command) findOtherRuntime() string {
	if c.engine.runtime == "" {
		return ""
	}
	for _, name := range []string{strings.TrimPrefix(c.engine.runtime, "--"), "runtime"} {
		o, given := c.last(name)
		if given && !slices.Contains([]string{"casview", "casview-runtime"}, filepath.Base(o.value)) {
			return "--" + name + " " + o.value
		}
	}
	return ""
}

func (c Command) isOn(name string) bool {
	o, ok := c.last(name)
	return ok && o.on()
}

// last is the option that counts of several with one name.
func (c Command) last(name string) (option, bool) {
	for _, o := range slices.Backward(c.options) {
		if o.name == name {
			return o, true
		}
	}
	return option{}, false
}

// with is the command line with further words as the first options of `run`.
func (c Command) with(words ...string) Command {
	c.argv = slices.Insert(slices.Clone(c.argv), c.insert, words...)
	c.options = c.engine.options.read(c.argv, c.insert)
	return c
}

// annotate adds annotations.
func (c Command) annotate(annotations []Annotation, q Quoting) Command {
	var words []string
	for _, a := range annotations {
		words = append(words, c.engine.option, q.quote(a.Key+"="+a.Value))
	}
	return c.with(words...)
}

// instead is another command of the same engine in the place of `run`.
func (c Command) instead(words ...string) []string {
	return slices.Concat(c.argv[:c.insert-1], words)
}
