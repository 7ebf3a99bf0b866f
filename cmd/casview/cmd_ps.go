package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/runstate"
)

// runLine is one run in the list.
type runLine struct {
	Run        rundir.RunKey  `json:"run"`
	State      runstate.State `json:"state"`
	Started    time.Time      `json:"started"`
	Driver     string         `json:"driver"`
	Target     string         `json:"target"`
	Container  string         `json:"container"`
	InputsRoot string         `json:"inputs_root"`
}

func (a *app) psCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List runs",
		Long: `List runs, the newest first, with their state:

  live         the job runs
  collecting   the job has ended, its outputs are being stored
  complete     there is a result and nothing is missing
  partial      there is a result, some outputs were lost or refused
  failed       there is a result without outputs
  uncollected  the daemon died: "casview recover" makes the result from disk

With --json a list: [{"run", "state", "started", "driver", "target", "container",
"inputs_root"}], started in RFC 3339.`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			_, runs, err := a.openRuns()
			if err != nil {
				return err
			}
			// Runs that can't be read don't hide the others.
			lines, broken := listRuns(runs)
			if asJSON {
				err = writeJSON(a.out, lines)
			} else {
				err = printRuns(a.out, lines, time.Now())
			}
			return cmp.Or(err, broken)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func listRuns(runs *rundir.Runs) ([]runLine, error) {
	all, broken := runs.List()
	lines := make([]runLine, 0, len(all))
	for _, d := range all {
		state, err := runstate.Of(d)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("run %s: %w", d.Key(), err))
			continue
		}
		spec := d.Spec()
		line := runLine{Run: d.Key(), State: state, Started: spec.Started, Driver: spec.Driver,
			Target: spec.Target, Container: spec.Container, InputsRoot: spec.InputsRoot.String()}
		if v, err := d.View(); err == nil {
			line.Driver = v.Driver
		}
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b runLine) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.Run, b.Run))
	})
	return lines, broken
}

func printRuns(out io.Writer, lines []runLine, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTATE\tSTARTED\tAGE\tDRIVER\tTARGET\tCONTAINER")
	for _, l := range lines {
		container := l.Container
		if len(container) > 12 {
			container = container[:12]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Run, l.State, l.Started.Local().Format(time.DateTime),
			age(now.Sub(l.Started)), l.Driver, l.Target, cmp.Or(container, "-"))
	}
	return w.Flush()
}

// age is a duration in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
