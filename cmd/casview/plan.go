package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/casview/casview/hook/install"
)

// planLines is a plan of install or uninstall for scripts.
type planLines struct {
	Engines []install.Engine   `json:"engines"`
	Skipped []install.Skipped  `json:"skipped"`
	Files   []install.FileJSON `json:"files"`
	Reload  []string           `json:"reload"`
	First   []string           `json:"first"`
}

func planJSON(p *install.Plan) planLines {
	out := planLines{Engines: orEmpty(p.Engines), Skipped: orEmpty(p.Skipped), Files: []install.FileJSON{},
		Reload: orEmpty(p.Reload), First: orEmpty(p.First)}
	for _, f := range p.Files {
		out.Files = append(out.Files, f.JSON())
	}
	return out
}

// orEmpty is a list that JSON has as [], not as null.
func orEmpty[E any](list []E) []E { return append([]E{}, list...) }

// printPlan prints a line for each file, and for people what else there is to know.
func (a *app) printPlan(cmd *cobra.Command, o installOptions, p *install.Plan) {
	for _, s := range p.Skipped {
		a.note("%s: %s: skipped: %s", cmd.Name(), s.Engine, s.Why)
	}
	if record, err := p.Record(); err == nil && len(p.Files) == 0 && len(p.Skipped) == 0 {
		a.note("%s: nothing to do: nothing of it is in %s", cmd.Name(), record)
	}
	for _, f := range p.Files {
		fmt.Fprintln(a.out, f)
		if o.dryRun {
			fmt.Fprint(a.out, indented(f.Detail()))
			continue
		}
		switch {
		case f.Why != "" && f.Action == install.Keep:
			a.note("%s: %s: kept: %s", cmd.Name(), f.Path, f.Why)
		case f.Why != "":
			a.note("%s: %s: %s", cmd.Name(), f.Path, f.Why)
		case f.For != nil:
			a.note("%s: %s: kept: it is also for %s", cmd.Name(), f.Path, strings.Join(f.For, " and "))
		}
	}
	for _, f := range p.Files {
		if text := f.ByHand(); text != "" {
			if f.Leave {
				a.note("%s: add this to %s, or let --in-place do it:", cmd.Name(), f.Path)
			} else {
				a.note("%s: %s must say this:", cmd.Name(), f.Path)
			}
			fmt.Fprint(a.err, indented(text))
		}
	}
	if !p.Changes() || o.dryRun {
		return
	}
	where := ""
	if o.root != "" {
		where = " on that host"
	}
	for _, line := range p.Reload {
		a.note("next%s: %s", where, line)
	}
	for _, line := range p.First {
		a.note("then%s: %s", where, line)
	}
}

// indented sets a file's text apart from the lines of the plan.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}
