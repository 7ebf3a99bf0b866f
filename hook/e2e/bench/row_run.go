package main

import (
	"context"
)

// runRow times the shortest container there is, from `runc run` to its return: with casview that has the hook before and
// the collection after.
func runRow() row {
	const step = "run"
	return row{
		number: 10, name: "runc run of true", columns: drivers(), times: 3, warm: true,
		measures: []measure{
			{step: step, what: "runc run of true, with casview and without", kind: difference, limit: upTo(0.025, 0.025)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			ten, err := b.dots(ctx, 10)
			return func(ctx context.Context, c column, _ int) (values, error) {
				j := job{}
				if c != native {
					j.inputs = ten
				}
				o, err := b.container(ctx, c, j)
				if err != nil {
					return nil, err
				}
				b.note(c, o)
				return values{step: o.took.Seconds()}, nil
			}, err
		},
	}
}
