package spec

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Config is a container's configuration that is looked at, and then completed if it asks for casview. Its text is gone
// through once: all of that is on the way of the container's start.
type Config struct{ members object }

// ParseConfig reads the text of a config.json.
func ParseConfig(text []byte) (Config, error) {
	var c Config
	err := c.members.UnmarshalJSON(text)
	return c, err
}

// Annotations are the container's.
func (c Config) Annotations() (map[string]string, error) {
	var all map[string]string
	if err := c.members.get("annotations", &all); err != nil {
		return nil, fmt.Errorf("annotations: %w", err)
	}
	return all, nil
}

// Env is the environment of the container's process.
func (c Config) Env() ([]string, error) {
	var process struct {
		Env []string `json:"env"`
	}
	if err := c.members.get("process", &process); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	return process.Env, nil
}

// Complete is Edit for a container that asks for casview in its engine's own way: it adds annotations to the config.json at
// path, and the hooks unless casview's are there already, by hooks.d or a base specification. changed is false, and the file
// is not touched, where nothing is missing.
func (c Config) Complete(path string, annotations map[string]string, p Program) (changed bool, err error) {
	text, err := c.completed(annotations, p)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if text == nil {
		return false, nil
	}
	// The file may be a link into another place: that file is meant, not the link.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false, err
	}
	return true, replace(path, text)
}

// completed is nil where nothing is missing. It has the members' texts as they were, but not the space between them: it is
// for a runtime.
func (c Config) completed(annotations map[string]string, p Program) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	config := slices.Clone(c.members)
	var hooks object
	if err := config.get("hooks", &hooks); err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	there, err := complete(hooks)
	if err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	if there && len(annotations) == 0 {
		return nil, nil
	}
	if !there {
		if err := editHooks(&config, hooks, p); err != nil {
			return nil, fmt.Errorf("hooks: %w", err)
		}
	}
	if err := addAnnotations(&config, annotations); err != nil {
		return nil, fmt.Errorf("annotations: %w", err)
	}
	return config.MarshalJSON()
}

func addAnnotations(config *object, more map[string]string) error {
	if len(more) == 0 {
		return nil
	}
	var have object
	if err := config.get("annotations", &have); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(more)) {
		if err := have.put(key, more[key]); err != nil {
			return err
		}
	}
	return config.put("annotations", have)
}

// complete tells whether casview's hooks are there: one that makes the view and one that waits for the result.
func complete(hooks object) (bool, error) {
	found := map[Stage]bool{}
	for _, stage := range []Stage{prestart, CreateRuntime, Poststop} {
		var list []specs.Hook
		if err := hooks.get(string(stage), &list); err != nil {
			return false, fmt.Errorf("%s: %w", stage, err)
		}
		found[stage] = slices.ContainsFunc(list, Ours)
	}
	return (found[prestart] || found[CreateRuntime]) && found[Poststop], nil
}

// replace replaces a file whole. It is not synced as Edit's is: an engine makes a bundle anew after a crash, and waiting for
// a disk would take longer than all the rest of a container's start that is casview's.
func replace(path string, text []byte) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".casview-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	defer tmp.Close()
	if _, err := tmp.Write(text); err != nil {
		return err
	}
	if err := tmp.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
