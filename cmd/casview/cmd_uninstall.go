package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
	"github.com/spf13/cobra"

	"github.com/casview/casview/fsd/holders"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/runstate"
	"github.com/casview/casview/hook/install"
)

func (a *app) uninstallCmd() *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Undo casview install",
		Long: `Undo casview install for an engine: what it made is removed and what it put into a file of
the administrator is taken out, as recorded in casview-installed.json. A file that somebody
edited since is kept, and so is one that another engine needs. Store and runs stay. Prints
one line for each file: remove, restore, edit, keep or by-hand, and its path.

It refuses while runs are live, or some process still uses the view of an uncollected one:
their containers would end without poststop, and the next ones run without a view. Nothing
tells which engine a run belongs to. --force does it all the same.

With --json an object as that of casview install.`,
		Example: `  casview uninstall --engine podman --dry-run
  casview uninstall --engine all`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.changeFiles(cmd, o, func(options install.Options) (*install.Plan, error) {
				p, err := install.NewRemoval(options)
				// Whoever takes out all may be about to remove the programs too, as packages are.
				if err == nil && !o.dryRun && !o.force && (options.Engine == install.All || p.Changes()) {
					err = a.noRunsInUse(options)
				}
				return p, err
			})
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVar(&o.force, "force", false, "also while runs are live, or nobody can tell because the configuration does not load")
	return cmd
}

// noRunsInUse is an error while a job runs, with or without its daemon, or its outputs are still being stored, on the system
// below the root folder. A run's record does not say which engine started it.
func (a *app) noRunsInUse(o install.Options) error {
	root := o.Root
	c, err := a.configOf(root)
	if err != nil {
		way := "mend it, or give --force"
		if o.Engine == install.All && a.configPath == "" {
			// Packages call it so, and can't give --force.
			way = "mend it, or move it away: the defaults count then"
		}
		return fmt.Errorf("which runs are live can't be told: %w: %s", err, way)
	}
	state := c.State
	if root != "" {
		if state, err = securejoin.SecureJoin(root, state); err != nil {
			return err
		}
	}
	// Looking must not make the directories.
	if _, err := os.Stat(filepath.Join(state, "runs")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	runs, err := rundir.OpenRuns(state)
	if err != nil {
		return err
	}
	lines, broken := listRuns(runs)
	var live, held, free []string
	for _, l := range lines {
		switch l.State {
		case runstate.Live, runstate.Collecting:
			live = append(live, string(l.Run))
		case runstate.Uncollected:
			users := usersOf(runs, l.Run)
			if len(users) == 0 {
				free = append(free, string(l.Run))
				continue
			}
			held = append(held, fmt.Sprintf("%s (%s)", l.Run, strings.Join(users, ", ")))
		}
	}
	var inUse []string
	if len(live) > 0 {
		inUse = append(inUse, fmt.Sprintf("%d live: %s", len(live), strings.Join(live, ", ")))
	}
	if len(held) > 0 {
		inUse = append(inUse, fmt.Sprintf("%d without a daemon, but still in use: %s", len(held), strings.Join(held, ", ")))
	}
	if len(inUse) > 0 {
		unknown := ""
		if o.Engine != install.All {
			unknown = "nothing tells which engine a run belongs to: "
		}
		return fmt.Errorf("%s: %swait for them, or give --force", strings.Join(inUse, "; "), unknown)
	}
	if broken == nil && len(free) > 0 {
		a.note("%d uncollected: %s: casview recover makes their results, as long as a casview is installed", len(free), strings.Join(free, ", "))
	}
	return broken
}

// usersOf names the processes that use a run's view. Only those that this /proc shows are found: in a container that installs
// onto its host, it is the host's with the host's PIDs.
func usersOf(runs *rundir.Runs, key rundir.RunKey) []string {
	d, err := runs.Open(key)
	if err != nil {
		return nil // removed meanwhile
	}
	return holders.Of(d.Spec().MountSource())
}
