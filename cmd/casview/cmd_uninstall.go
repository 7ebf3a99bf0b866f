package main

import (
	"github.com/spf13/cobra"

	"github.com/casview/casview/hook/install"
)

func (a *app) uninstallCmd() *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Undo casview install",
		Long: `Remove the files by which a container engine calls casview's hook, as far as casview wrote them:
one that somebody edited is kept. Programs, configuration, store and runs stay. Prints
one line for each file: remove or keep, and its path.`,
		Example:           `  casview uninstall --engine podman --dry-run`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.changeFiles(cmd, o, install.PlanRemoval)
		},
	}
	o.register(cmd)
	return cmd
}
