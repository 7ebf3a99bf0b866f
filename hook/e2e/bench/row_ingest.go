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
	const first, again, synced = "first", "again", "synced"
	return row{
		number: 12, name: "ingest", columns: []column{native, overlay}, warm: true,
		measures: []measure{
			{step: first, what: "ingest of 10,000 files of 4 KiB, against cp -r", limit: casviewAlone(1.2)},
			{step: first, base: synced, what: "the same, against cp -r and a sync"},
			{step: again, what: "ingest again with nothing changed, against cp -r", limit: casviewAlone(0.15)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			in, err := b.pages(ctx, b.sized(10_000, 1000))
			return func(ctx context.Context, c column, _ int) (values, error) {
				if c == native {
					took, sync, err := b.copyTime(ctx, in)
					return values{first: took, again: took, synced: took + sync}, err
				}
				return b.ingestTwice(ctx, in)
			}, err
		},
	}
}

// copyTime times cp -r of inputs to a new directory, and a sync after it.
func (b *bench) copyTime(ctx context.Context, in *inputs) (took, sync float64, err error) {
	to := b.path(b.unique("copy-"))
	if err := b.settle(); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(to)) }()
	took, err = timed(func() error {
		_, err := output(exec.CommandContext(ctx, "cp", "-r", in.dir, to))
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	sync, err = timed(b.settle)
	return took, sync, err
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
