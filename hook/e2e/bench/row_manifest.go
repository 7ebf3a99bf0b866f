package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// manifestRow imports a manifest.
func manifestRow() row {
	const took, memory = "time", "memory"
	return row{
		number: 15, name: "import a manifest", columns: []column{overlay},
		measures: []measure{
			{step: took, what: "JSON manifest of 1,000,000 entries to root digest", kind: absolute,
				limit: casviewAlone(10)},
			{step: memory, what: "peak memory of that", kind: absolute, unit: bytes, limit: casviewAlone(512 * mib)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			want, err := b.million(ctx)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, _ column, _ int) (values, error) {
				seconds, peak, err := b.importManifest(ctx, want.root)
				return values{took: seconds, memory: float64(peak)}, err
			}, nil
		},
	}
}

// importManifest imports the million inputs into a store of its own.
func (b *bench) importManifest(ctx context.Context, want string) (took float64, peak int64, err error) {
	i, err := b.install(ctx, b.unique("import-"))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, i.remove()) }()
	manifest, err := b.manifest(ctx)
	if err != nil {
		return 0, 0, err
	}
	contents, err := b.pages(ctx, contents)
	if err != nil {
		return 0, 0, err
	}
	if _, err := i.casview(ctx, "ingest", contents.dir); err != nil {
		return 0, 0, err
	}
	if err := b.settle(); err != nil {
		return 0, 0, err
	}
	cmd := i.command(ctx, "tree", "import", manifest)
	var root, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &root, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = cmd.Wait()
		took = time.Since(start).Seconds()
	}()
	for {
		peak = max(peak, peakMemory(cmd.Process.Pid))
		select {
		case <-ended:
			switch {
			case err != nil:
				err = fmt.Errorf("casview tree import: %w: %s", err, stderr.String())
			case strings.TrimSpace(root.String()) != want:
				err = fmt.Errorf("casview tree import made %s of %s", strings.TrimSpace(root.String()), want)
			}
			return took, peak, err
		case <-time.After(5 * time.Millisecond):
		}
	}
}
