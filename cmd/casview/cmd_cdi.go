package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/cdi"
	"github.com/casview/casview/hook/spec"
)

// cdiOptions are the options of `casview cdi`.
type cdiOptions struct {
	inputs, name, dir string
	request           requestFlags
}

func (a *app) cdiCmd() *cobra.Command {
	var o cdiOptions
	cmd := &cobra.Command{
		Use:   "cdi --inputs DIGEST|DIR --name NAME",
		Short: "Make an input set a device that containers get by name",
		Long: `Write a CDI spec (Container Device Interface) that makes an input set the device
casview.io/inputs=NAME, and print that name. A container with the device gets the view
without annotations, from any engine that knows CDI: podman, Docker 25, CRI-O, containerd's
CRI. Casview's own device of the same name is replaced; containers that run keep what they
have.

The spec is one file in ` + cdi.SystemDir + `, for a user in $XDG_CONFIG_HOME/cdi. A new Docker without
root looks there by itself; podman 5.5 and newer is told with --cdi-spec-dir or cdi_spec_dirs
in containers.conf, and an older one reads ` + cdi.SystemDir + ` only.

What the spec says counts: a container whose io.casview.* annotations say anything else does
not start. Its run is named by io.casview.run, or by its id.`,
		Example: `  casview cdi --inputs ./sources --name sources
  podman run --device casview.io/inputs=sources IMAGE make
  casview cdi list
  casview cdi remove sources`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		ValidArgsFunction:          cobra.NoFileCompletions,
		SuggestionsMinimumDistance: 2,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return a.makeDevice(cmd, o) },
	}
	cmd.PersistentFlags().StringVar(&o.dir, "spec-dir", specDir(), "folder of CDI specs that the engine reads: `DIR`")
	_ = cmd.MarkPersistentFlagDirname("spec-dir")
	cmd.Flags().StringVar(&o.inputs, "inputs", "", "root digest, or a directory to ingest: `DIGEST|DIR`")
	cmd.Flags().StringVar(&o.name, "name", "", "`NAME` of the device: letters, digits, '.', '_', '-' and ':'")
	o.request.registerView(cmd)
	_ = cmd.RegisterFlagCompletionFunc("name", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return deviceNames(o.dir), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.AddCommand(a.cdiListCmd(&o), a.cdiRemoveCmd(&o))
	return cmd
}

// specDir is cdi below the folder that has the configuration's: /etc, or $XDG_CONFIG_HOME of a user.
func specDir() string { return filepath.Join(filepath.Dir(filepath.Dir(config.DefaultPath())), "cdi") }

func (a *app) makeDevice(cmd *cobra.Command, o cdiOptions) error {
	switch {
	case o.inputs == "":
		return usagef(cmd, "--inputs is missing")
	case o.name == "":
		return usagef(cmd, "--name is missing")
	}
	name, err := cdi.ParseName(o.name)
	if err != nil {
		return usagef(cmd, "%v", err)
	}
	if err := o.request.check(cmd); err != nil {
		return err
	}
	device, err := a.device(cmd, o, name)
	if err != nil {
		return err
	}
	if err := cdi.Dir(o.dir).Write(device); err != nil {
		return fmt.Errorf("cdi: %w", err)
	}
	fmt.Fprintln(a.out, device.QualifiedName())
	return nil
}

func (a *app) device(cmd *cobra.Command, o cdiOptions, name cdi.Name) (cdi.Device, error) {
	c, s, err := a.openStore()
	if err != nil {
		return cdi.Device{}, err
	}
	defer s.Close()
	if err := o.request.allowed(c); err != nil {
		return cdi.Device{}, err
	}
	program, err := a.deviceProgram(c)
	if err != nil {
		return cdi.Device{}, err
	}
	root, err := a.inputsRoot(cmd.Context(), c, s, o.inputs)
	if err == nil {
		err = rememberSpecDir(c.State, o.dir)
	}
	return cdi.Device{Name: name, Request: o.request.request(root, ""), Program: program}, err
}

// deviceProgram is the hook beside this program. A user's configuration is named: the hook has little of their environment.
// The system's is not: a spec of root's is read by the users' engines as well, whose hooks have state of their own.
func (a *app) deviceProgram(c config.Config) (spec.Program, error) {
	p, err := a.hookProgram(c)
	if path := config.DefaultPath(); err == nil && p.Config == "" && specDir() != cdi.SystemDir {
		if _, missing := os.Stat(path); missing == nil {
			p.Config = path
		}
	}
	return p, err
}

func (a *app) cdiRemoveCmd(o *cdiOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME...",
		Short: "Remove devices that casview cdi made",
		Long: `Remove devices that casview cdi made. Containers that run keep their view; new ones with the
device are refused by the engine. The inputs stay in the store.`,
		Example: `  casview cdi remove sources`,
		Args:    args(1, 1<<16),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return deviceNames(o.dir), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var failed error
			for _, arg := range args {
				name, err := cdi.ParseName(arg)
				if err != nil {
					return usagef(cmd, "%v", err)
				}
				err = cdi.Dir(o.dir).Remove(name)
				if errors.Is(err, fs.ErrNotExist) {
					err = fmt.Errorf("no device %s in %s", name, o.dir)
				}
				failed = errors.Join(failed, err)
			}
			if failed != nil {
				return fmt.Errorf("cdi: %w", failed)
			}
			return nil
		},
	}
}

func deviceNames(dir string) []string {
	devices, err := cdi.Dir(dir).List()
	if err != nil {
		return nil
	}
	var names []string
	for _, d := range devices {
		names = append(names, string(d.Name))
	}
	return names
}
