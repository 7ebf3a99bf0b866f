package main

import (
	"context"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// findRow lists a large tree and looks at the attributes of all that is in it.
func findRow() row {
	return row{
		number: 5, name: "find and stat", columns: drivers(), peers: true, warm: true,
		measures: []measure{
			{step: "first", what: "find and stat of 50,000 inputs, first time", limit: upTo(2.5, 3)},
			{step: "again", what: "find and stat of 50,000 inputs, second time", limit: upTo(1.2, 1.3)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			files := b.sized(50_000, 2000)
			in, err := b.dots(ctx, files)
			return b.inContainers(job{inputs: in, tasks: []inside.Task{
				{Walk: &inside.Walk{Files: files, Stat: true, Size: len(dot), Passes: 3}},
			}}), err
		},
	}
}
