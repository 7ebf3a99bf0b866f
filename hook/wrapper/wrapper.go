package wrapper

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/spec"
)

// Env is what casview-runtime takes from its own process.
type Env struct {
	// Hook is the absolute path of casview-hook.
	Hook string
	// Config is the configuration that was named, or "" for the default one.
	Config string
	// Path is the variable PATH.
	Path string
	// Stderr gets errors, beside the log that the engine named.
	Stderr io.Writer
	// Exec replaces the process; it returns only if that fails.
	Exec func(runtime string, args []string) error
}

// Run passes a call of the runtime on: args is the command line behind the program's name, and goes on as it is. It returns
// only with an error that the engine has been told already.
func Run(env Env, args []string) error {
	c := parse(args)
	err := env.run(c, args)
	if err != nil {
		err = oneLine{err}
		c.say(env.Stderr, err)
	}
	return err
}

func (env Env) run(c call, args []string) error {
	keys, err := env.prepare(c)
	if err != nil {
		return err
	}
	runtime, err := realRuntime(keys.Runtime.Path, env.Path)
	if err != nil {
		return err
	}
	if err := env.Exec(runtime, args); err != nil {
		return explain(runtime, err)
	}
	return nil
}

// prepare gives a container that is to be made, and asks for casview, what it needs.
func (env Env) prepare(c call) (config.Wrapping, error) {
	if c.verb == "create" || c.verb == "run" || c.verb == "restore" {
		text, err := os.ReadFile(c.config)
		switch {
		case err == nil && mayAsk(text):
			return env.answer(c, text)
		case err != nil && !errors.Is(err, fs.ErrNotExist): // the runtime says that too, in its own words
			return config.Wrapping{}, fmt.Errorf("%w: does the container ask for casview?", err)
		}
	}
	// Whatever is wrong with the configuration, it must not be in the way of others' containers.
	keys, _ := config.LoadWrapping(env.Config)
	return keys, nil
}

// answer gives a container what it needs if it asks for casview.
func (env Env) answer(c call, text []byte) (config.Wrapping, error) {
	cfg, broken := config.Load(env.Config)
	keys := cfg.Wrapping()
	variables := keys.Policy.AcceptEnv
	if broken != nil {
		var unknown error
		keys, unknown = config.LoadWrapping(env.Config)
		misspelled := errors.Is(broken, config.ErrUnknownKey) && !keys.Policy.Given
		variables = keys.Policy.AcceptEnv || unknown != nil || misspelled
	}
	container, err := spec.ParseConfig(text)
	if err != nil {
		return keys, fmt.Errorf("%s: %w", c.config, err)
	}
	w, err := readWish(container, variables)
	if err != nil {
		return keys, fmt.Errorf("%s: %w", c.config, err)
	}
	if w.empty() {
		return keys, nil
	}
	// From here on the container asks, or nobody can tell: what goes wrong stops it.
	if broken != nil {
		return keys, broken
	}
	if err := env.give(c, cfg, w, container); err != nil {
		return keys, c.remember(cfg.State, w, err)
	}
	return keys, nil
}

// give adds the hooks, and annotations in place of variables.
func (env Env) give(c call, cfg config.Config, w wish, container spec.Config) error {
	if c.verb == "restore" {
		return errors.New("restore: the view of a container is gone with its checkpoint: run it anew")
	}
	if _, err := os.Stat(env.Hook); err != nil {
		return fmt.Errorf("%w: casview-runtime, casview-hook and casview-fsd belong in one directory", err)
	}
	file, err := env.configFile()
	if err != nil {
		return err
	}
	program := spec.Program{Path: env.Hook, Config: file, CollectTimeout: cfg.Collect.Timeout.Duration}
	_, err = container.Complete(c.config, w.environment, program)
	return err
}

// configFile is what the hook has to read so that it reads the same configuration: it gets another environment.
func (env Env) configFile() (string, error) {
	if env.Config != "" {
		return filepath.Abs(env.Config)
	}
	file := config.DefaultPath()
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return file, nil
}

// oneLine is an error whose text has no second line: engines show only the first or the last.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.ReplaceAll(e.error.Error(), "\n", "; ") }

func (e oneLine) Unwrap() error { return e.error }
