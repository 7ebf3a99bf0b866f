package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// materializeRow times the way out of the store, beside cp -r of the same tree.
func materializeRow() row {
	const step = "materialize"
	return row{
		number: 13, name: "materialize", columns: []column{native, overlay}, warm: true,
		measures: []measure{
			{step: step, what: "materialize of 10,000 files of 4 KiB, against cp -r", limit: casviewAlone(1.2)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			in, err := b.pages(ctx, b.sized(10_000, 1000))
			if err != nil {
				return nil, err
			}
			want, err := inside.OfTree(in.dir)
			return func(ctx context.Context, c column, _ int) (values, error) {
				if c == native {
					took, _, err := b.copyTime(ctx, in)
					return values{step: took}, err
				}
				took, err := b.materialized(ctx, in, want)
				return values{step: took}, err
			}, err
		},
	}
}

func (b *bench) materialized(ctx context.Context, in *inputs, want string) (took float64, err error) {
	to := b.path(b.unique("materialized-"))
	if err := b.settle(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(to)) }()
	took, err = timed(func() error {
		_, err := b.main.casview(ctx, "materialize", in.root, to)
		return err
	})
	if err != nil {
		return 0, err
	}
	got, err := inside.OfTree(to)
	if err == nil && got != want {
		err = fmt.Errorf("materialize wrote other files than were ingested")
	}
	return took, err
}
