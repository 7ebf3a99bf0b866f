package main

import (
	"context"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// readRow opens, reads and closes small inputs, as compilers do with headers.
func readRow() row {
	return row{
		number: 3, name: "read small inputs", columns: drivers(), peers: true, warm: true,
		measures: []measure{
			{step: "again", what: "open+read+close of 10,000 small inputs, read before", limit: upTo(1.3, 1.5)},
			{step: "first", what: "the same, first time in this run", limit: upTo(2.5, 3), number: 4},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			files := b.sized(10_000, 1000)
			in, err := b.pages(ctx, files)
			return b.inContainers(job{inputs: in, tasks: []inside.Task{
				{Read: &inside.Read{Files: files, InEach: inEach, Passes: 5}},
			}}), err
		},
	}
}
