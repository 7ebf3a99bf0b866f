package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// ingestRow times the way into the store, beside cp -r of the same tree.
func ingestRow() row {
	const first, again = "first", "again"
	return row{
		number: 12, name: "ingest", columns: []column{native, overlay}, warm: true,
		measures: []measure{
			{step: first, what: "ingest of 10,000 files of 4 KiB, against cp -r", limit: casviewAlone(1.2)},
			{step: again, what: "ingest again with nothing changed, against cp -r", limit: casviewAlone(0.15)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			in, err := b.pages(ctx, b.sized(10_000, 1000))
			return func(ctx context.Context, c column, _ int) (values, error) {
				if c == native {
					took, err := b.copyTime(ctx, in)
					return values{first: took, again: took}, err
				}
				return b.ingestTwice(ctx, in)
			}, err
		},
	}
}

// copyTime times cp -r of inputs to a new directory.
func (b *bench) copyTime(ctx context.Context, in *inputs) (float64, error) {
	to := b.path(b.unique("copy-"))
	if err := b.settle(); err != nil {
		return 0, err
	}
	took, err := timed(func() error {
		_, err := output(exec.CommandContext(ctx, "cp", "-r", in.dir, to))
		return err
	})
	return took, errors.Join(err, os.RemoveAll(to))
}

// ingestTwice ingests inputs into a store of its own.
func (b *bench) ingestTwice(ctx context.Context, in *inputs) (v values, err error) {
	i, err := b.install(ctx, b.unique("ingest-"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.remove()) }()
	v = values{}
	for _, step := range []string{"first", "again"} {
		if err := b.settle(); err != nil {
			return nil, err
		}
		var root string
		v[step], err = timed(func() (err error) {
			root, err = i.casview(ctx, "ingest", in.dir)
			return err
		})
		if err != nil {
			return nil, err
		}
		if root != in.root {
			return nil, fmt.Errorf("ingest made %s of %s", root, in.root)
		}
	}
	return v, nil
}

// timed returns the seconds that do takes.
func timed(do func() error) (float64, error) {
	start := time.Now()
	err := do()
	return time.Since(start).Seconds(), err
}
