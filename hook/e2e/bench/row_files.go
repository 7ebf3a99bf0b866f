package main

import (
	"context"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// filesRow makes, changes and removes small files.
func filesRow() row {
	return row{
		number: 7, name: "write small files", columns: drivers(), peers: true, warm: true,
		measures: []measure{
			{step: "create", what: "create+write 16 KiB+close of 10,000 files", limit: upTo(1.1, 3)},
			{step: "append", what: "append 4 KiB to each", limit: upTo(1.1, 3)},
			{step: "rename", what: "rename each", limit: upTo(1.1, 3)},
			{step: "unlink", what: "unlink each", limit: upTo(1.1, 3)},
			{step: "append to inputs", what: "append 4 KiB to 1,000 inputs of 4 KiB", limit: upTo(1.1, 3)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			files, changed := b.sized(10_000, 500), b.sized(1000, 100)
			in, err := b.pages(ctx, b.sized(10_000, 1000))
			return b.inContainers(job{inputs: in, tasks: []inside.Task{
				{Files: &inside.Files{Dir: "made", Files: files, InEach: inEach, Pages: 4}},
				{Append: &inside.Append{Dir: ".", Files: changed, InEach: inEach, Pages: 1}},
			}}), err
		},
	}
}
