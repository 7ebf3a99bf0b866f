package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// bench measures operations in columns.
type bench struct {
	site       *site
	operations []operation
	progress   io.Writer

	columns []column
	leftOut map[string]string // columns that don't work here, and why

	// times has one entry for each operation and column: what an operation took in each round.
	times [][][]time.Duration
	// requests has one entry for each operation and column, nil for a plain directory. It is nil if they were not counted.
	requests [][]requests
}

// requests says how many requests of each kind one operation makes to the daemon.
type requests map[string]float64

// findColumns leaves out what this host refuses, and what the daemon would do in another way than it was asked for.
func (b *bench) findColumns(ctx context.Context) error {
	b.leftOut = map[string]string{}
	for _, c := range columns() {
		err := b.site.try(ctx, c)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			b.leftOut[c.Name] = err.Error()
			continue
		}
		b.columns = append(b.columns, c)
	}
	return nil
}

// try returns why a column is not what it says. A plain directory always is.
func (s *site) try(ctx context.Context, c column) error {
	if c.driver == "" {
		return nil
	}
	p, err := s.open(ctx, c)
	if err != nil {
		return err
	}
	o, err := p.end()
	switch {
	case err != nil:
		return err
	case o.driver != c.driver:
		return fmt.Errorf("the driver is %s", o.driver)
	case c.driver == "fuse" && o.data != c.data:
		return fmt.Errorf("the data is %s: %s", o.data, o.reason)
	}
	return nil
}

// measure does the rounds, after one with few operations that warms up and does not count.
func (b *bench) measure(ctx context.Context, rounds int) error {
	fmt.Fprintln(b.progress, "warming up")
	if _, err := b.round(ctx, true); err != nil {
		return err
	}
	b.times = make([][][]time.Duration, len(b.operations))
	for i := range b.times {
		b.times[i] = make([][]time.Duration, len(b.columns))
	}
	for r := range rounds {
		fmt.Fprintf(b.progress, "round %d of %d\n", r+1, rounds)
		took, err := b.round(ctx, false)
		if err != nil {
			return err
		}
		for i := range took {
			for k, t := range took[i] {
				b.times[i][k] = append(b.times[i][k], t)
			}
		}
	}
	return nil
}

// round does each operation in each column, in places of their own.
func (b *bench) round(ctx context.Context, short bool) (took [][]time.Duration, err error) {
	var places []*place
	defer func() {
		for _, p := range places {
			_, endErr := p.end()
			err = errors.Join(err, endErr)
		}
	}()
	for _, c := range b.columns {
		p, err := b.site.open(ctx, c)
		if err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	for _, op := range b.operations {
		if short {
			op.ops = min(op.ops, op.few)
		}
		var row []time.Duration
		for k, p := range places {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			t, err := op.time(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", b.columns[k].Name, op.name, err)
			}
			row = append(row, t)
		}
		took = append(took, row)
	}
	return took, nil
}

// count finds out what requests the operations make.
func (b *bench) count(ctx context.Context) error {
	fmt.Fprintln(b.progress, "counting requests")
	for i := range b.operations {
		var row []requests
		for _, c := range b.columns {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := b.site.countSurely(ctx, c, &b.operations[i])
			if err != nil {
				return fmt.Errorf("%s: %s: %w", c.Name, b.operations[i].name, err)
			}
			row = append(row, r)
		}
		b.requests = append(b.requests, row)
	}
	return nil
}

// countSurely counts again where a count is not whole: some requests depend on a clock, or on what the kernel does
// meanwhile. The medians of several counts tell what is usual.
func (s *site) countSurely(ctx context.Context, c column, op *operation) (requests, error) {
	const tries = 5
	byKind := map[string][]float64{}
	for try := range tries {
		r, err := s.count(ctx, c, op)
		if err != nil || try == 0 && r.whole() {
			return r, err
		}
		for kind, n := range r {
			byKind[kind] = append(byKind[kind], n)
		}
	}
	usual := requests{}
	for kind, counts := range byKind {
		if n := median(append(counts, make([]float64, tries-len(counts))...)); n > 0 {
			usual[kind] = n
		}
	}
	return usual, nil
}

func (r requests) whole() bool {
	for _, n := range r {
		if n != math.Trunc(n) {
			return false
		}
	}
	return true
}

// count does an operation some times in one view and twice as many times in another, both prepared in the same way. All
// requests that one view has seen more than the other are the operations'.
func (s *site) count(ctx context.Context, c column, op *operation) (requests, error) {
	if c.driver == "" {
		return nil, nil
	}
	once, err := s.requestsOf(ctx, c, op, op.few)
	if err != nil {
		return nil, err
	}
	twice, err := s.requestsOf(ctx, c, op, 2*op.few)
	if err != nil {
		return nil, err
	}
	each := requests{}
	for kind, n := range twice {
		// What comes now and then may come less often in the longer run.
		if more := int64(n) - int64(once[kind]); more > 0 {
			each[kind] = float64(more) / float64(op.few)
		}
	}
	return each, nil
}

func (s *site) requestsOf(ctx context.Context, c column, op *operation, n int) (map[string]uint64, error) {
	p, err := s.open(ctx, c)
	if err != nil {
		return nil, err
	}
	err = op.repeat(p, n, 2*op.few)
	o, endErr := p.end()
	return o.requests, errors.Join(err, endErr)
}
