package config

import (
	"errors"
	"io/fs"

	"github.com/BurntSushi/toml"
)

// Wrapping is the part of the configuration that casview-runtime needs for every container, also for those that have
// nothing to do with casview.
type Wrapping struct {
	Runtime Runtime        `toml:"runtime"`
	Policy  WrappingPolicy `toml:"policy"`
}

// WrappingPolicy is the part of Policy that casview-runtime needs.
type WrappingPolicy struct {
	AcceptEnv bool `toml:"accept_env"`
	// Given says that the file has the key, whatever its value.
	Given bool `toml:"-"`
}

// Wrapping is c's part for casview-runtime.
func (c Config) Wrapping() Wrapping {
	return Wrapping{Runtime: c.Runtime, Policy: WrappingPolicy{AcceptEnv: c.Policy.AcceptEnv}}
}

// LoadWrapping is Load of only these keys: mistakes elsewhere in the file are no error, so that they don't stop containers
// that did not ask for casview. An error comes with the defaults and means that the keys' values are not known.
func LoadWrapping(path string) (Wrapping, error) {
	named := path != ""
	if !named {
		path = DefaultPath()
	}
	text, err := readFile(path)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return Wrapping{}, nil
	}
	if err != nil {
		return Wrapping{}, err
	}
	var w Wrapping
	keys, err := toml.Decode(text, &w)
	if err != nil {
		return Wrapping{}, inFile(path, nil, err)
	}
	w.Policy.Given = keys.IsDefined("policy", "accept_env")
	if err := checkRuntime(w.Runtime.Path); err != nil {
		return Wrapping{}, inFile(path, nil, &problem{key: toml.Key{"runtime", "path"}, reason: err.Error()})
	}
	return w, nil
}
