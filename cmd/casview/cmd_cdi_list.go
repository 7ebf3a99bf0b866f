package main

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/casview/casview/hook/cdi"
)

// deviceLine is one device in the list.
type deviceLine struct {
	Name    cdi.Name `json:"name"`
	Device  string   `json:"device"`
	Inputs  string   `json:"inputs"`
	Target  string   `json:"target,omitempty"`
	Outputs []string `json:"outputs,omitempty"`
	Config  string   `json:"config,omitempty"`
	File    string   `json:"file"`
}

func (a *app) cdiListCmd(o *cdiOptions) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the devices that casview cdi made",
		Long: `List the devices that casview cdi made, by name. Specs of others, and of casview's that somebody
has added to, are left out. With --json a list: [{"name", "device", "inputs", "target",
"outputs", "config", "file"}]; what a device does not name is left out.`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			devices, err := cdi.Dir(o.dir).List()
			if err != nil {
				return fmt.Errorf("cdi: %w", err)
			}
			lines := make([]deviceLine, 0, len(devices))
			for _, d := range devices {
				lines = append(lines, deviceLine{Name: d.Name, Device: d.QualifiedName(), Inputs: d.Request.Inputs.String(),
					Target: d.Request.Target, Outputs: d.Request.Outputs, Config: d.Program.Config, File: cdi.Dir(o.dir).Path(d.Name)})
			}
			if asJSON {
				return writeJSON(a.out, lines)
			}
			return printDevices(a.out, lines)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printDevices(out io.Writer, lines []deviceLine) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE\tINPUTS\tTARGET\tFILE")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Device, l.Inputs, cmp.Or(l.Target, "-"), l.File)
	}
	return w.Flush()
}
