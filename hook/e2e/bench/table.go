package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeTable prints the report for people.
func (r *report) writeTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "casview %s, Linux %s, %d CPUs (%s), %s; load average %s before, %s after; %.0f s\n",
		r.Casview, r.Kernel, r.CPUs, r.CPU, r.Filesystem, r.LoadBefore, r.LoadAfter, r.Seconds)
	fmt.Fprintf(&b, "Medians of %d rounds or more, [smallest..largest]. Ratios are those of times in the same round.\n", r.Rounds)
	if r.Quick {
		b.WriteString("Small sizes: these figures mean nothing.\n")
	}
	fmt.Fprintf(&b, "\n%3s  %-52s %-24s %-23s %8s %-4s %-23s %8s %s\n",
		"row", "what", "native", "overlay", "limit", "met", "fuse", "limit", "met")
	for _, line := range r.Rows {
		b.WriteString(strings.TrimRight(line.text(), " ") + "\n")
	}
	b.WriteString(r.peersText())
	_, err := io.WriteString(w, b.String())
	return err
}

// text is a line of the table.
func (l reportRow) text() string {
	if l.Failed != "" {
		return fmt.Sprintf("%3d  %-52s FAILED", l.Row, l.What)
	}
	native := "-"
	if l.Native != nil {
		native = l.Native.format(l.measure.unit.format)
	}
	return fmt.Sprintf("%3d  %-52s %-24s %s %s", l.Row, l.What, native, l.cell(l.overlay), l.cell(l.fuse))
}

// cell is a figure with its limit and whether that is met.
func (l reportRow) cell(f *figure) string {
	format := l.measure.format()
	if f == nil {
		return fmt.Sprintf("%-23s %8s %-4s", "-", "", "")
	}
	limit, met := "", ""
	if f.Limit != nil {
		limit, met = format(*f.Limit), "no"
		if *f.Met {
			met = "yes"
		}
	}
	return fmt.Sprintf("%-23s %8s %-4s", f.format(format), limit, met)
}

// format is how figures of a measure are printed.
func (m measure) format() func(float64) string {
	switch {
	case m.kind == ratio:
		return plain.format
	case m.kind == difference:
		return func(x float64) string { return fmt.Sprintf("%+.1f ms", x*1000) }
	}
	return m.unit.format
}

// format prints a value.
func (u unit) format(x float64) string {
	switch {
	case u == plain:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case u == bytes && x < mib:
		return fmt.Sprintf("%.0f B", x)
	case u == bytes:
		return fmt.Sprintf("%.0f MiB", x/mib)
	case x < 1:
		return fmt.Sprintf("%.3g ms", x*1000)
	}
	return fmt.Sprintf("%.3g s", x)
}

func (s spread) format(one func(float64) string) string {
	return fmt.Sprintf("%s [%s..%s]", one(s.Median), short(one(s.Min)), short(one(s.Max)))
}

// short leaves out a unit that stands before.
func short(s string) string {
	number, _, _ := strings.Cut(s, " ")
	return number
}
