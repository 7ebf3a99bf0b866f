package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/spec"
)

func (a *app) specCmd() *cobra.Command {
	var bundle, inputs string
	var request requestFlags
	cmd := &cobra.Command{
		Use:   "spec --inputs DIGEST [--bundle DIR]",
		Short: "Add casview's hooks and annotations to an OCI bundle",
		Long: `Add casview's hooks and annotations to the config.json of an OCI bundle, for runc, crun or
"ctr run --config". Earlier ones of casview are replaced, everything else stays as it is;
doing it twice changes nothing. Prints nothing.

The hook gets the configuration named by --config, with its absolute path.`,
		Example: `  casview spec --bundle . --inputs $(casview ingest src) --run build-17
  runc run build-17 && casview result build-17 --wait 60s`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if inputs == "" {
				return usagef(cmd, "--inputs is missing")
			}
			root, err := digestArg(cmd, inputs)
			if err != nil {
				return err
			}
			if err := request.check(cmd); err != nil {
				return err
			}
			c, err := a.config()
			if err != nil {
				return err
			}
			if err := request.allowed(c); err != nil {
				return err
			}
			program, err := a.hookProgram(c)
			if err != nil {
				return err
			}
			if _, err := spec.Edit(bundle, request.request(root, rundir.RunKey(request.run)), program); err != nil {
				return fmt.Errorf("bundle %s: %w", bundle, err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&bundle, "bundle", ".", "`DIR` with config.json")
	cmd.Flags().StringVar(&inputs, "inputs", "", "root `DIGEST` of the inputs")
	request.register(cmd)
	_ = cmd.MarkFlagDirname("bundle")
	return cmd
}

// hookProgram is the hook that is installed beside this program, with the configuration in force here.
func (a *app) hookProgram(c config.Config) (spec.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return spec.Program{}, err
	}
	p := spec.Program{Path: filepath.Join(filepath.Dir(self), spec.HookName), CollectTimeout: c.Collect.Timeout.Duration}
	if _, err := os.Stat(p.Path); err != nil {
		return p, fmt.Errorf("%w: casview, casview-hook and casview-fsd belong in one directory", err)
	}
	if a.configPath != "" {
		p.Config, err = filepath.Abs(a.configPath)
	}
	return p, err
}
