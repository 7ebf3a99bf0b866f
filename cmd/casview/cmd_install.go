package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/doctor"
	"github.com/casview/casview/hook/install"
)

// installOptions are the options of install and uninstall.
type installOptions struct {
	engine, root, prefix, hooksDir string
	user, inPlace, force           bool
	dryRun, asJSON                 bool
}

func (o *installOptions) register(cmd *cobra.Command) {
	var names []string
	for _, e := range install.Engines() {
		names = append(names, string(e))
	}
	o.engine = string(install.Podman)
	cmd.Flags().Var(&onceValue{to: &o.engine}, "engine", "container `ENGINE`: "+strings.Join(names, ", "))
	cmd.Flags().StringVar(&o.root, "root", "", "act on the system whose root folder is `DESTDIR`")
	cmd.Flags().BoolVar(&o.user, "user", false, "act on your own engine, not the system's; without root it is always so")
	cmd.Flags().StringVar(&o.hooksDir, "hooks-dir", "", "the engine's folder of hooks, where it is not the usual `DIR`")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print each file with its content or a diff, and do nothing")
	jsonFlag(cmd, &o.asJSON)
	_ = cmd.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"root", "hooks-dir"} {
		_ = cmd.MarkFlagDirname(name)
	}
}

func (a *app) installCmd() *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Make a container engine run containers on views",
		Long: `Make a container engine run containers on views, by files that are dropped in:

  podman      hooks.d files; for a user, containers.conf.d too
  crio        hooks.d files, and crio.conf.d where CRI-O looks elsewhere
  containerd  a runtime handler "casview" for pods, in conf.d
  docker      a runtime "casview", in daemon.json
  cdi         a device, casview.io/hooks=on, by which a container gets the hooks
  all         each of them that this host has

A configuration is written where there is none. Files of others are never changed: where
an engine reads no other file beside the administrator's (Docker, containerd 1), what to
add is printed, or --in-place adds it and keeps FILE.casview-backup. Prints one line for
each file: create, replace, edit, keep or by-hand, and its path. Files that casview made
are on record in casview-installed.json, beside the configuration. stderr tells what
remains to be done. The exit code is 1 as long as there is a by-hand file, or podman reads
other folders of hooks.

casview's programs stay where they are, beside casview. With --root another system is
installed onto, as from a container that has the host's root at /host; the programs go
below its --prefix.

With --json an object: {"engines", "skipped": [{"engine", "why"}], "files": [{"action",
"path", "mode", "why", "for", "source", "content", "diff", "by_hand"}], "reload", "first"}.`,
		Example: `  casview install --engine podman --dry-run
  casview install --engine docker --in-place
  casview install --root /host --engine all`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var engines []install.Engine
			planned := map[string][]byte{}
			err := a.changeFiles(cmd, o, func(options install.Options) (*install.Plan, error) {
				c, err := a.configOf(options.Root)
				if err != nil {
					return nil, err
				}
				options.AcceptEnv, options.CollectTimeout = c.Policy.AcceptEnv, c.Collect.Timeout.Duration
				p, err := install.NewPlan(options)
				if err != nil {
					return nil, err
				}
				engines = p.Engines
				if o.dryRun { // otherwise what was written is read
					for _, f := range p.Files {
						planned[f.Path] = f.Content
					}
				}
				return p, nil
			})
			// Where hooks go is known here, and what is read on this host. Root's podman reads no folder of root's own.
			if err != nil || o.root != "" || o.hooksDir != "" || o.user || !slices.Contains(engines, install.Podman) {
				return err
			}
			return effective(planned)
		},
	}
	o.register(cmd)
	cmd.Flags().StringVar(&o.prefix, "prefix", "", "with --root: where programs go, bin/ below `DIR` (default: /usr/local)")
	cmd.Flags().BoolVar(&o.inPlace, "in-place", false, "edit files of the administrator where there is no other way, and keep a backup")
	return cmd
}

// effective is an error where podman reads other folders of hooks than the one that casview's are in: it would run
// containers without their view, and not say so. planned are files that a dry run only shows.
func effective(planned map[string][]byte) error {
	f, ignores, err := doctor.PodmanIgnores(planned)
	if err == nil && ignores {
		err = fmt.Errorf("%s: let it read them: %s", f.What, f.Mend)
	}
	if err != nil {
		return fmt.Errorf("install: podman: %w", err)
	}
	return nil
}

// changeFiles makes a plan, prints it and carries it out.
func (a *app) changeFiles(cmd *cobra.Command, o installOptions, plan func(install.Options) (*install.Plan, error)) error {
	options, err := a.installOptions(cmd, o)
	if err != nil {
		return err
	}
	p, err := plan(options)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Name(), err)
	}
	if !o.dryRun {
		if err := p.Apply(); err != nil {
			return fmt.Errorf("%s: %w", cmd.Name(), err)
		}
	}
	if o.asJSON {
		if err := writeJSON(a.out, planJSON(p)); err != nil {
			return err
		}
	} else {
		a.printPlan(cmd, o, p)
	}
	if err := p.Incomplete(); err != nil {
		return fmt.Errorf("%s: %w", cmd.Name(), err)
	}
	if cmd.Name() == "install" && len(p.Files) == 0 && len(p.Engines) == 0 && len(p.Skipped) > 0 {
		return fmt.Errorf("%s: no engine is on this host: name one with --engine", cmd.Name())
	}
	return nil
}

func (a *app) installOptions(cmd *cobra.Command, o installOptions) (out install.Options, err error) {
	engine, err := install.ParseEngine(o.engine)
	if err != nil {
		return out, usagef(cmd, "%v", err)
	}
	if err := o.check(cmd); err != nil {
		return out, err
	}
	self, err := os.Executable()
	if err != nil {
		return out, err
	}
	out = install.Options{Engine: engine, Programs: filepath.Dir(self), InPlace: o.inPlace}
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
	return out, forUser(o, &out)
}

// check refuses options that would act on another system, or elsewhere on it, than was meant.
func (o *installOptions) check(cmd *cobra.Command) error {
	given := func(name string) bool { return cmd.Flags().Changed(name) }
	switch {
	case o.user && o.root != "":
		return usagef(cmd, "--user and --root exclude each other")
	case given("root") && o.root == "":
		return usagef(cmd, "--root is empty: leave it out to act on this system")
	case given("prefix") && o.root == "":
		return usagef(cmd, "--prefix goes with --root: on this system the programs stay where they are")
	case given("prefix") && !filepath.IsAbs(o.prefix):
		return usagef(cmd, "--prefix %q: is not an absolute path", o.prefix)
	case given("hooks-dir") && slices.Contains([]install.Engine{install.Containerd, install.Docker, install.CDI}, install.Engine(o.engine)):
		return usagef(cmd, "--hooks-dir is for podman and crio: %s has no folder of hooks", o.engine)
	}
	return o.checkRoot(cmd)
}

// checkRoot refuses a system that is not there: one that should be mounted, as on /host of the image, would be made anew.
func (o *installOptions) checkRoot(cmd *cobra.Command) error {
	if o.root == "" {
		return nil
	}
	fi, err := os.Stat(o.root)
	if err == nil && !fi.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return fmt.Errorf("%s: --root %s: no system is there: mount its root folder, or make the folder: %w", cmd.Name(), o.root, err)
	}
	return nil
}

// forUser makes it the user's own engine, where it is. Root's own one keeps to the system's configuration of casview, which
// is what root's other commands read.
func forUser(o installOptions, out *install.Options) (err error) {
	switch user := filepath.Dir(filepath.Dir(config.DefaultPath())); {
	case out.Root != "":
	case user != "/etc":
		out.UserConfig = user
	case o.user:
		if out.Config == "" {
			out.Config = config.DefaultPath()
		}
		out.UserConfig, err = os.UserConfigDir()
	}
	return err
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
