package install

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// called finds the folder of the program that an engine's file names, in JSON, TOML, or TOML within JSON.
var called = regexp.MustCompile(`["'](/[^"'\\]*)/(?:casview-hook|casview-runtime)\b`)

// own leaves out the engines that another casview was installed into; the only one that is asked for is an error then.
func (p *Plan) own(use []method) ([]method, error) {
	var out []method
	for _, m := range use {
		other := p.other(p.options.owner(m.engine))
		if other == "" {
			out = append(out, m)
			continue
		}
		why := fmt.Sprintf("it calls the programs in %s: %s uninstall --engine %s takes it out", filepath.Dir(other), other, m.engine)
		if p.options.Engine != All {
			return nil, fmt.Errorf("%s: %s", m.engine, why)
		}
		p.Skipped = append(p.Skipped, Skipped{m.engine, why})
	}
	return out, nil
}

// other is the casview that an engine was installed with, if it is another one than this and is still there: a package and a
// tarball have one record on one system, and what the one has made is not the other's to remove. "" if there is none.
func (p *Plan) other(owner string) string {
	if p.options.elsewhere() {
		return ""
	}
	self := filepath.Join(p.options.bin(), "casview")
	for _, e := range p.record.Files {
		if !slices.Contains(e.Engines, owner) {
			continue
		}
		m := called.FindSubmatch(e.written())
		if m == nil {
			continue
		}
		if other := filepath.Join(string(m[1]), "casview"); exists(other) && !sameFile(other, self) {
			return other
		}
	}
	return ""
}

// written is what casview put into the file; nil for a program, and for a file that is gone or was edited.
func (e entry) written() []byte {
	if len(e.Changed) > 0 {
		return e.Changed
	}
	if slices.Contains(programNames(), filepath.Base(e.Path)) {
		return nil
	}
	now, err := os.ReadFile(e.Path)
	if err != nil || !e.wrote(now) {
		return nil
	}
	return now
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}
