package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`: see `go doc test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output events
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string
}

type name struct{ pkg, test string }

type report struct {
	out    io.Writer
	output map[name][]string // of running tests and packages
	counts map[string]int    // tests by pass, fail, skip
	skips  []string
	failed []string
	began  map[string]bool // packages without an end yet
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[name][]string{}, counts: map[string]int{}, began: map[string]bool{}}
}

func (r *report) line(b []byte) {
	var e event
	if json.Unmarshal(b, &e) != nil {
		// The go command's own messages, such as a package pattern that matches nothing.
		fmt.Fprintf(r.out, "%s\n", b)
		return
	}
	if e.ImportPath != "" {
		e.Package = e.ImportPath
	}
	n := name{e.Package, e.Test}
	switch e.Action {
	case "start":
		r.began[e.Package] = true
	case "output":
		r.output[n] = append(r.output[n], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		r.end(n, e)
		delete(r.output, n)
	}
}

func (r *report) end(n name, e event) {
	if n.test == "" {
		r.endPackage(n, e)
		return
	}
	r.counts[e.Action]++
	switch e.Action {
	case "fail":
		r.failed = append(r.failed, short(n.pkg)+" "+n.test)
		fmt.Fprintf(r.out, "%s", strings.Join(r.output[n], ""))
	case "skip":
		r.skips = append(r.skips, short(n.pkg)+" "+n.test+": "+reason(r.output[n]))
	}
}

func (r *report) endPackage(n name, e event) {
	delete(r.began, n.pkg)
	if e.Action == "fail" {
		// A panic, an exit or a failed TestMain ends no test: what its tests said so far may tell why.
		r.dump(n.pkg)
		r.failed = append(r.failed, short(n.pkg))
	}
	words := map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "none"}
	fmt.Fprintf(r.out, "%s  %-32s %6.1fs\n", words[e.Action], short(n.pkg), e.Elapsed)
}

// finish prints the summary and tells whether everything passed.
func (r *report) finish() bool {
	for pkg := range r.began {
		r.failed = append(r.failed, short(pkg)+" (did not end)")
		r.dump(pkg)
	}
	slices.Sort(r.skips)
	slices.Sort(r.failed)
	r.section("skipped", r.skips)
	r.section("failed", r.failed)
	fmt.Fprintf(r.out, "\ntests: %d passed, %d failed, %d skipped\n", r.counts["pass"], r.counts["fail"], r.counts["skip"])
	if r.counts["pass"]+r.counts["fail"]+r.counts["skip"] == 0 {
		fmt.Fprintln(r.out, "no test ran")
		return false
	}
	return len(r.failed) == 0
}

// dump prints what is kept of a package's output, tests that did not end first.
func (r *report) dump(pkg string) {
	var tests []string
	for n := range r.output {
		if n.pkg == pkg && n.test != "" {
			tests = append(tests, n.test)
		}
	}
	slices.Sort(tests)
	for _, test := range append(tests, "") {
		fmt.Fprint(r.out, strings.Join(r.output[name{pkg, test}], ""))
		delete(r.output, name{pkg, test})
	}
}

func (r *report) section(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(r.out, "\n%s:\n", title)
	for _, l := range lines {
		fmt.Fprintf(r.out, "  %s\n", l)
	}
}

// reason is what a test said before its "--- SKIP" line, without the file and line.
func reason(output []string) string {
	var said []string
	for _, l := range output {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "=== ") || strings.HasPrefix(l, "--- ") {
			continue
		}
		if at, text, ok := strings.Cut(l, ": "); ok && strings.Contains(at, ".go:") {
			l = text
		}
		said = append(said, l)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

func short(pkg string) string {
	return strings.TrimPrefix(pkg, "github.com/casview/casview/")
}
