package main

import (
	"os"
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	r := &measuredRow{
		row: row{columns: drivers()},
		samples: map[string]map[string][]float64{
			"native":  {"a": {2, 1, 4}, "b": {10, 10, 10}},
			"overlay": {"a": {3, 2, 4}},
		},
	}
	limit := limits{"overlay": 1.5}
	for _, c := range []struct {
		name             string
		m                measure
		median, min, max float64
		met              bool
	}{
		{"ratio", measure{step: "a", limit: limit}, 1.5, 1, 2, true},
		{"difference", measure{step: "a", kind: difference, limit: limit}, 1, 0, 1, true},
		{"absolute", measure{step: "a", kind: absolute, limit: limit}, 3, 2, 4, false},
		{"another base", measure{step: "a", base: "b", limit: limit}, 0.3, 0.2, 0.4, true},
	} {
		f := r.figure(c.m, "overlay")
		if f == nil || f.spread != (spread{c.median, c.min, c.max}) || *f.Limit != 1.5 || *f.Met != c.met {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	for _, column := range []string{"native", "fuse"} {
		if f := r.figure(measure{step: "a"}, column); f != nil {
			t.Errorf("%s: %+v", column, f)
		}
	}
	if f := r.figure(measure{step: "a"}, "overlay"); f.Limit != nil || f.Met != nil {
		t.Errorf("without a limit: %+v", f)
	}
	r.failed = os.ErrInvalid
	if f := r.figure(measure{step: "a"}, "overlay"); f != nil {
		t.Errorf("of a row that failed: %+v", f)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}} {
		if got := median(c.all); got != c.want {
			t.Errorf("median(%v) = %v", c.all, got)
		}
	}
}

func TestRowSet(t *testing.T) {
	for text, want := range map[string]string{"": "", "9": "9", "1,4": "1 4", "1, 9": "1 9"} {
		var s rowSet
		if err := s.Set(text); err != nil || s.String() != want {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"16", "0", "x"} {
		var s rowSet
		if err := s.Set(text); err == nil {
			t.Errorf("%q is taken as %v", text, s)
		}
	}
	var names []string
	for _, r := range (rowSet{4, 7}).chosen() {
		names = append(names, r.name)
	}
	if got := strings.Join(names, ", "); got != "read small inputs, write small files, untar and git" {
		t.Errorf("rows 4 and 7 are %s", got)
	}
	if got := len(rowSet(nil).chosen()); got != len(rows()) {
		t.Errorf("without numbers there are %d rows", got)
	}
}

// Each line of the table is explained by docs/performance.md.
func TestDocument(t *testing.T) {
	b, err := os.ReadFile("../../../docs/performance.md")
	must(t, err)
	for _, r := range rows() {
		for _, m := range r.measures {
			if !strings.Contains(string(b), m.what) {
				t.Errorf("docs/performance.md has nothing of row %d, %q", m.row(r), m.what)
			}
		}
	}
}
