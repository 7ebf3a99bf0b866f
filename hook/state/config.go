package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// HookName is the file name of the hook program, by which casview knows its own hooks again.
const HookName = "casview-hook"

const (
	configName = "config.json"
	// maxConfig bounds config.json, in bytes. Kubernetes writes some of a few megabytes.
	maxConfig = 32 << 20
)

// Config is what casview needs of a bundle's config.json. It is not specs.Spec, so that a part of the format that is new or
// that a runtime writes in its own way cannot fail a container.
type Config struct {
	Root struct {
		Path string `json:"path"`
	} `json:"root"`
	Process struct {
		User struct {
			UID uint32 `json:"uid"`
			GID uint32 `json:"gid"`
		} `json:"user"`
		Env []string `json:"env"`
	} `json:"process"`
	Linux struct {
		MountLabel string `json:"mountLabel"`
	} `json:"linux"`
	Annotations map[string]string `json:"annotations"`
	Hooks       struct {
		Prestart      []Hook `json:"prestart"`
		CreateRuntime []Hook `json:"createRuntime"`
	} `json:"hooks"`

	bundle string // the directory that it was found in
}

// Hook is what casview needs of a hook in a configuration.
type Hook struct {
	Path string   `json:"path"`
	Args []string `json:"args"`
}

// HooksWithInputs are the container's hooks before its start that are casview's and name inputs, as their arguments in one
// line each.
func (c Config) HooksWithInputs() []string {
	var out []string
	for _, h := range slices.Concat(c.Hooks.Prestart, c.Hooks.CreateRuntime) {
		if filepath.Base(h.Path) == HookName && WithInputs(h.Args) {
			out = append(out, fmt.Sprintf("%.256q", strings.Join(h.Args, " ")))
		}
	}
	return out
}

// ReadConfig finds and reads the container's config.json: in the state's bundle, else in cwd. crun's state names a bundle
// that does not exist under some of podman's user namespace modes, while runtimes start hooks in the true one.
func ReadConfig(s State, cwd string) (Config, error) {
	var missing []error
	for _, dir := range []string{s.Bundle, cwd} {
		if !filepath.IsAbs(dir) {
			continue
		}
		c, err := readConfigIn(dir)
		if !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
		missing = append(missing, err)
	}
	if len(missing) == 0 {
		return Config{}, fmt.Errorf("container %s: its state names no bundle", s.ID)
	}
	return Config{}, fmt.Errorf("container %s: %w", s.ID, missing[0])
}

func readConfigIn(dir string) (Config, error) {
	path := filepath.Join(dir, configName)
	f, err := os.Open(path)
	if err != nil {
		return Config{}, err
	}
	defer f.Close()
	c, err := decodeConfig(f)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c.bundle = dir
	return c, nil
}

func decodeConfig(in io.Reader) (Config, error) {
	var c Config
	b, err := io.ReadAll(io.LimitReader(in, maxConfig+1))
	if err != nil {
		return c, err
	}
	if len(b) > maxConfig {
		return c, fmt.Errorf("larger than %d MiB", maxConfig>>20)
	}
	return c, json.Unmarshal(b, &c)
}

// Rootfs is the path of the container's root filesystem as the runtime sees it, before pivot_root: the state's root where
// it says one, else the configuration's, which may be relative to the bundle.
func Rootfs(s State, c Config) (string, error) {
	if filepath.IsAbs(s.Root) {
		return filepath.Clean(s.Root), nil
	}
	switch path := c.Root.Path; {
	case path == "":
		return "", fmt.Errorf("%s: has no root.path", filepath.Join(c.bundle, configName))
	case filepath.IsAbs(path):
		return filepath.Clean(path), nil
	default:
		return filepath.Join(c.bundle, path), nil
	}
}
