package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// completeRun offers the names of runs for the first argument. It looks at names alone: completion must be quick and
// must not create a state directory.
func (a *app) completeRun(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.runNames(prefix), cobra.ShellCompDirectiveNoFileComp
}

// completeRunThenDir is completeRun for commands whose second argument is a directory.
func (a *app) completeRunThenDir(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return a.completeRun(cmd, args, prefix)
}

func (a *app) runNames(prefix string) []string {
	c, err := a.config()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(c.State, "runs"))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names
}
