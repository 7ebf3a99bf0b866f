package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// gib is 1 GiB in pages.
const gib = 1 << 30 / inside.Page

// largeRow reads a large input.
func largeRow() row {
	return row{
		number: 6, name: "read a large input", columns: drivers(), peers: true, warm: true,
		measures: []measure{
			{step: "first", what: "1 GiB input read in sequence, first time", limit: upTo(3, 3)},
			{step: "again", what: "1 GiB input read in sequence, second time", limit: upTo(1.1, 1.1)},
			{step: "mmap", what: "random 4 KiB reads of it by mmap", limit: upTo(1.2, 1.2)},
			{step: "pread", what: "random 4 KiB reads of it by pread", limit: upTo(1.2, 1.2)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			pages := b.sized(gib, gib/32)
			in, err := b.tree(ctx, "large", func(_ context.Context, dir string) error {
				return writePages(filepath.Join(dir, "large"), pages)
			})
			return b.inContainers(job{inputs: in, tasks: []inside.Task{
				{Large: &inside.Large{Pages: pages, Random: b.sized(65_536, 1024), Passes: 3}},
			}}), err
		},
	}
}

// writePages makes a file of so many pages, numbered from 0.
func writePages(path string, pages int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	b := make([]byte, inside.Page)
	for i := range pages {
		inside.Fill(b, uint64(i))
		if _, err := w.Write(b); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}
