package main

import (
	"cmp"
	"slices"
)

// spread is a figure as it is reported.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func newSpread(all []float64) spread {
	return spread{Median: median(all), Min: slices.Min(all), Max: slices.Max(all)}
}

// median returns the one in the middle, or the mean of the two.
func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// of returns what a measure makes of each round in a column; nothing where that was not measured. Ratios and differences
// are those of the values of one round, which were measured one after another, so that what slows the host down for some
// seconds is in both.
func (r *measuredRow) of(m measure, column string) []float64 {
	got, base := r.samples[column][m.step], r.samples[r.columns[0].name][cmp.Or(m.base, m.step)]
	var all []float64
	for i, x := range got {
		switch {
		case m.kind == absolute:
			all = append(all, x)
		case i >= len(base) || column == r.columns[0].name:
			return nil
		case m.kind == ratio:
			all = append(all, x/base[i])
		case m.kind == difference:
			all = append(all, x-base[i])
		}
	}
	return all
}

// figure is one cell of the table.
type figure struct {
	Column string `json:"column"`
	spread
	Limit *float64 `json:"limit,omitempty"`
	Met   *bool    `json:"met,omitempty"`
}

// figure returns nil where there is nothing to show: the column was not measured, or the row has failed.
func (r *measuredRow) figure(m measure, column string) *figure {
	all := r.of(m, column)
	if len(all) == 0 || r.failed != nil {
		return nil
	}
	f := &figure{Column: column, spread: newSpread(all)}
	if limit, ok := m.limit[column]; ok {
		met := f.Median <= limit
		f.Limit, f.Met = &limit, &met
	}
	return f
}

// base is what the first column took; nil where nothing is compared with it.
func (r *measuredRow) base(m measure) *spread {
	all := r.samples[r.columns[0].name][cmp.Or(m.base, m.step)]
	if m.kind == absolute || len(all) == 0 || r.failed != nil {
		return nil
	}
	s := newSpread(all)
	return &s
}
