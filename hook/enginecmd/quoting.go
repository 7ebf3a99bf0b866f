package enginecmd

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
)

// Quoting says how an engine reads the value of its annotation option.
type Quoting int

const (
	// Plain: the value is taken as it is.
	Plain Quoting = iota
	// CSV: the value is a line of comma-separated values. podman up to 4.x reads --annotation so, which tears JSON apart.
	CSV
)

func (q Quoting) quote(s string) string {
	if q == Plain || !strings.ContainsAny(s, "\",\n\r") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// csvHelp is how pflag prints an option that splits at commas; one that does not has the type stringArray.
var csvHelp = regexp.MustCompile(`(?m)^\s*--annotation strings\s`)

// quoting asks the engine how it reads annotations. It runs `PROGRAM run --help`, so ask only when a value holds a comma
// or a quote (see needsQuoting). An engine that can't be asked reads them plainly: it will say itself what is wrong.
func (c Command) quoting(ctx context.Context) Quoting {
	if c.engine.option != "--annotation" {
		return Plain
	}
	help, err := exec.CommandContext(ctx, c.argv[0], "run", "--help").Output()
	if err != nil || !csvHelp.Match(help) {
		return Plain
	}
	return CSV
}

// needsQuoting tells whether any value reads differently as CSV.
func needsQuoting(annotations []Annotation) bool {
	for _, a := range annotations {
		if CSV.quote(a.Value) != a.Value {
			return true
		}
	}
	return false
}
