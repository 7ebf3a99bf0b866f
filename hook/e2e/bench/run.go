package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// bench measures rows.
type bench struct {
	*site
	progress io.Writer
	measured []*measuredRow
	// requests are those of the row that is being measured: see measuredRow.
	requests map[string]map[string]uint64
}

// measuredRow is a row with what came of it.
type measuredRow struct {
	row
	rounds int
	// samples are the values of each round, by column and step.
	samples map[string]map[string][]float64
	// requests are what the kernel asked the daemon in the last round, by column.
	requests map[string]map[string]uint64
	took     time.Duration
	failed   error
}

// measure does all rows that were asked for. A row that fails is left, and what is measured of it does not count.
func (b *bench) measure(ctx context.Context) error {
	var errs []error
	for _, r := range b.options.rows.chosen() {
		m := &measuredRow{row: r, rounds: b.options.rounds * max(1, r.times), samples: map[string]map[string][]float64{}}
		b.measured = append(b.measured, m)
		start := time.Now()
		m.failed = b.measureRow(ctx, m)
		m.took = time.Since(start)
		if m.failed != nil {
			m.failed = fmt.Errorf("row %d: %w", r.number, m.failed)
			fmt.Fprintln(b.progress, m.failed)
			errs = append(errs, m.failed)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (b *bench) measureRow(ctx context.Context, m *measuredRow) error {
	b.say(m, "preparing")
	b.requests = map[string]map[string]uint64{}
	try, err := m.prepare(ctx, b)
	if err != nil {
		return err
	}
	columns := m.columns
	if m.peers && b.options.peers {
		columns = slices.Concat(columns, peers())
	}
	first := 0
	if m.warm {
		first = -1
	}
	for round := first; round < m.rounds; round++ {
		if err := b.round(ctx, m, columns, try, round); err != nil {
			return err
		}
	}
	m.requests = b.requests
	return nil
}

// round gives each column its turn. Each round begins with another one: who comes first finds other caches than who comes
// last.
func (b *bench) round(ctx context.Context, m *measuredRow, columns []column, try trial, round int) error {
	var line strings.Builder
	first := max(0, round) % len(columns)
	for _, c := range slices.Concat(columns[first:], columns[:first]) {
		v, err := try(ctx, c, round)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if round >= 0 {
			m.add(c, v)
		}
		fmt.Fprintf(&line, "  %s %s", c.name, v)
	}
	if round < 0 {
		b.say(m, "warm")
		return nil
	}
	b.say(m, "round %d of %d:%s", round+1, m.rounds, &line)
	return nil
}

func (m *measuredRow) add(c column, v values) {
	if m.samples[c.name] == nil {
		m.samples[c.name] = map[string][]float64{}
	}
	for step, x := range v {
		m.samples[c.name][step] = append(m.samples[c.name][step], x)
	}
}

func (b *bench) say(m *measuredRow, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(b.progress, "%s row %d, %s: %s\n", time.Now().Format(time.TimeOnly), m.number, m.name, text)
}

// String shows the values of a trial, for those who watch.
func (v values) String() string {
	var all []string
	for step, x := range v {
		all = append(all, fmt.Sprintf("%s %.4g", step, x))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
