package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/casview/casview/hook/doctor"
)

// printReport prints one line for each finding, the worst first, with why and mend below those that are not right, and a
// last line that sums up.
func printReport(out io.Writer, r doctor.Report) error {
	// Cells of one column must follow each other without a break: the lines between are put in afterwards.
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	findings := r.ProblemsFirst()
	for _, f := range findings {
		subject := f.Subject
		if subject == "" {
			subject = "host"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", strings.ToUpper(string(f.Status)), subject, f.ID, oneLine(f.What))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	lines := strings.SplitAfter(table.String(), "\n")
	var text strings.Builder
	for i, f := range findings {
		text.WriteString(lines[i])
		if f.Why != "" {
			fmt.Fprintf(&text, "    why:  %s\n", oneLine(f.Why))
		}
		if f.Mend != "" {
			fmt.Fprintf(&text, "    mend: %s\n", oneLine(f.Mend))
		}
	}
	fmt.Fprintf(&text,
		"\n%s: %d broken, %d degraded, %d skipped, %d ok. docs/troubleshooting.md has an entry for each name.\n",
		summary(r), r.Count(doctor.Broken), r.Count(doctor.Degraded), r.Count(doctor.Skipped), r.Count(doctor.OK))
	_, err := io.WriteString(out, text.String())
	return err
}

func summary(r doctor.Report) string {
	who := "casview " + r.Version + " for root's engines"
	if r.Mode == "rootless" {
		who = "casview " + r.Version + " for this user's engines"
	}
	switch r.Status {
	case doctor.Broken:
		return who + " does not work"
	case doctor.Degraded:
		return who + " works, not everything"
	}
	return who + " works"
}
