package main

import (
	"context"
	"slices"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// writeRow writes a large file.
func writeRow() row {
	return row{
		number: 8, name: "write a large file", peers: true, warm: true,
		columns: slices.Concat(drivers(), []column{passthrough}),
		measures: []measure{
			{step: "write", what: "write 1 GiB", limit: limits{overlay.name: 1.1}},
			{step: "write", what: "write 1 GiB, staging.data = passthrough", limit: limits{passthrough.name: 1.2},
				fuse: passthrough},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			in, err := b.pages(ctx, b.sized(10_000, 1000))
			return b.inContainers(job{inputs: in, tasks: []inside.Task{
				{Write: &inside.Write{File: "large", Pages: b.sized(gib, gib/32)}},
			}}), err
		},
	}
}
