package main

import (
	"context"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// cBuildRow compiles C files, each in a compiler process of its own that looks for the same headers anew.
func cBuildRow() row {
	return row{
		number: 2, name: "C build", columns: drivers(), peers: true,
		measures: []measure{
			{step: "make", what: "make -j2: 240 C files that share headers", limit: upTo(1.05, 1.15)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			p := cProject{files: b.sized(240, 10), headers: 60, dirs: 4}
			in, err := b.tree(ctx, "c", p.fill)
			return b.inContainers(job{inputs: in, tools: true, tasks: []inside.Task{
				{Command: &inside.Command{Step: "make", Args: []string{"make", "-s", "-j2"}}},
			}}), err
		},
	}
}
