package install

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/casview/casview/hook/spec"
)

const defaultPrefix = "/usr/local"

// RuntimeName is the OCI runtime wrapper, for engines that have no hooks of their own.
const RuntimeName = "casview-runtime"

// Options say what is installed, where. Paths are absolute; those without "below Root" are as the engine's host has them.
type Options struct {
	Engine Engine
	// Root is the root folder of the system to install onto, as this process sees it: "" or "/" is this system. Otherwise
	// the programs and a default configuration are installed too.
	Root string
	// Programs is the folder that holds casview, casview-hook, casview-fsd and casview-runtime now.
	Programs string
	// Prefix is where programs go when they are installed; "" is /usr/local.
	Prefix string
	// Config is the configuration that the hooks read; "" is /etc/casview/config.toml, or casview/config.toml below
	// UserConfig. The default one is written where there is none: a hook whose configuration is missing fails.
	Config string
	// HooksDir is the engine's folder of hooks; "" is the one that the engine reads by default.
	HooksDir string
	// UserConfig is $XDG_CONFIG_HOME of a user whose own engine is meant; "" is the system's engine.
	UserConfig string
	// InPlace allows to edit an engine's own configuration, where the engine reads no other file beside it.
	InPlace bool
	// AcceptEnv is policy.accept_env of that configuration. The hooks run for every container then.
	AcceptEnv bool
	// CollectTimeout is collect.timeout of that configuration.
	CollectTimeout time.Duration
}

// elsewhere tells whether another system than this one is installed onto.
func (o Options) elsewhere() bool { return o.Root != "" && filepath.Clean(o.Root) != "/" }

// host is where a path of the engine's host is for this process. Symlinks on the way are the host's: an absolute one must
// not lead out of its root folder.
func (o Options) host(path string) (string, error) {
	if !o.elsewhere() {
		return path, nil
	}
	return securejoin.SecureJoin(o.Root, path)
}

// onHost undoes host: the path that the engine's host has for one of this process.
func (o Options) onHost(path string) string {
	if !o.elsewhere() {
		return path
	}
	return filepath.Join("/", strings.TrimPrefix(path, filepath.Clean(o.Root)))
}

func (o Options) check() error {
	if _, err := ParseEngine(string(o.Engine)); err != nil {
		return err
	}
	if o.elsewhere() && o.UserConfig != "" {
		return errors.New("another system's root folder and a user's own engine exclude each other")
	}
	for _, m := range methods() {
		if m.engine == o.Engine && o.UserConfig != "" && !m.user {
			return fmt.Errorf("engine %s: users have none of their own: install it as root, without --user", o.Engine)
		}
	}
	for _, path := range []string{o.Root, o.Programs, o.Prefix, o.Config, o.HooksDir, o.UserConfig} {
		if path != "" && !filepath.IsAbs(path) {
			return fmt.Errorf("%q: is not an absolute path", path)
		}
	}
	if o.Programs == "" {
		return errors.New("the folder of the programs is not known")
	}
	return o.hookProgram().Check()
}

// bin is the folder that the programs run from.
func (o Options) bin() string {
	switch {
	case !o.elsewhere():
		return o.Programs
	case o.Prefix == "":
		return filepath.Join(defaultPrefix, "bin")
	}
	return filepath.Join(o.Prefix, "bin")
}

func (o Options) runtime() string { return filepath.Join(o.bin(), RuntimeName) }

const systemConfig = "/etc/casview/config.toml"

func (o Options) configFile() string {
	switch {
	case o.Config != "":
		return o.Config
	case o.UserConfig != "":
		return filepath.Join(o.UserConfig, "casview/config.toml")
	}
	return systemConfig
}

// systemConfig tells whether the system's engines find the configuration without being told.
func (o Options) systemConfig() bool { return o.UserConfig == "" && o.configFile() == systemConfig }

// etc is a path below the folder of configurations: the system's, or the user's.
func (o Options) etc(path string) string {
	if o.UserConfig != "" {
		return filepath.Join(o.UserConfig, path)
	}
	return filepath.Join("/etc", path)
}

func (o Options) hookProgram() spec.Program {
	return spec.Program{
		Path:           filepath.Join(o.bin(), spec.HookName),
		Config:         o.configFile(),
		CollectTimeout: o.CollectTimeout,
	}
}
