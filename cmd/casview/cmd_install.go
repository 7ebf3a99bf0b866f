package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/install"
)

// installOptions are the options of install and uninstall.
type installOptions struct {
	engine, root, prefix, hooksDir string
	dryRun                         bool
}

func (o *installOptions) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.engine, "engine", string(install.Podman), "container `ENGINE`: podman")
	cmd.Flags().StringVar(&o.root, "root", "", "act on the system whose root folder is `DESTDIR`")
	cmd.Flags().StringVar(&o.hooksDir, "hooks-dir", "", "the engine's folder of hooks, where it is not the usual `DIR`")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be done, and do nothing")
	_ = cmd.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions([]string{string(install.Podman)}, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"root", "hooks-dir"} {
		_ = cmd.MarkFlagDirname(name)
	}
}

func (a *app) installCmd() *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Make a container engine call casview's hook",
		Long: `Make a container engine call casview's hook, by files that are dropped in: two hooks.d files,
and a configuration where there is none. Files of others are never changed. Prints one
line for each file: create, replace or keep, and its path.

For a user without root it is the user's own podman; podman must then be told of the hooks
folder, which a file in containers.conf.d does.

casview-hook and casview-fsd stay where they are, beside casview. With --root another
system is installed onto, as from a container that has the host's root at /host; the
programs go below its --prefix.`,
		Example: `  casview install --engine podman --dry-run
  casview install --root /host`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.changeFiles(cmd, o, install.Plan)
		},
	}
	o.register(cmd)
	cmd.Flags().StringVar(&o.prefix, "prefix", "", "with --root: where programs go, bin/ below `DIR` (default: /usr/local)")
	return cmd
}

// changeFiles makes a plan, prints it and carries it out.
func (a *app) changeFiles(cmd *cobra.Command, o installOptions, plan func(install.Options) ([]install.File, error)) error {
	engine, err := install.ParseEngine(o.engine)
	if err != nil {
		return usagef(cmd, "%v", err)
	}
	options, err := a.installOptions(engine, o)
	if err != nil {
		return err
	}
	files, err := plan(options)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Name(), err)
	}
	if len(files) == 0 {
		a.note("%s: nothing to do", cmd.Name())
	}
	for _, f := range files {
		fmt.Fprintln(a.out, f)
	}
	if o.dryRun {
		return nil
	}
	if err := install.Apply(files); err != nil {
		return fmt.Errorf("%s: %w", cmd.Name(), err)
	}
	return nil
}

func (a *app) installOptions(engine install.Engine, o installOptions) (install.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return install.Options{}, err
	}
	out := install.Options{Engine: engine, Programs: filepath.Dir(self)}
	for _, p := range []struct {
		given string
		to    *string
	}{{o.root, &out.Root}, {o.prefix, &out.Prefix}, {o.hooksDir, &out.HooksDir}, {a.configPath, &out.Config}} {
		if p.given == "" {
			continue
		}
		if *p.to, err = filepath.Abs(p.given); err != nil {
			return out, err
		}
	}
	if user := filepath.Dir(filepath.Dir(config.DefaultPath())); user != "/etc" && out.Root == "" {
		out.UserConfig = user
	}
	c, err := a.configOf(out.Root)
	out.AcceptEnv, out.CollectTimeout = c.Policy.AcceptEnv, c.Collect.Timeout.Duration
	return out, err
}

// configOf is the configuration that the hooks will read. That of another system is looked for below its root folder; where
// it has none, what is configured here counts, or else the defaults.
func (a *app) configOf(root string) (config.Config, error) {
	if root != "" {
		path := a.configPath
		if path == "" {
			path = "/etc/casview/config.toml"
		}
		c, err := config.Load(filepath.Join(root, path))
		if !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
		if a.configPath == "" {
			return config.Default(), nil
		}
	}
	return a.config()
}
