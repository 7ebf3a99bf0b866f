package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// inputs are a tree for jobs. Its files have just been written and stored, so that all of it is in the page cache, twice.
type inputs struct {
	dir  string // as files; "" where there are none
	root string // digest, in the main installation's store
}

// tree returns the inputs of a name, which it makes the first time.
func (s *site) tree(ctx context.Context, name string, fill func(ctx context.Context, dir string) error) (*inputs, error) {
	if in := s.trees[name]; in != nil {
		return in, nil
	}
	in := &inputs{dir: s.path("tree-" + name)}
	err := os.Mkdir(in.dir, 0o755)
	if err == nil {
		err = fill(ctx, in.dir)
	}
	if err == nil {
		in.root, err = s.main.casview(ctx, "ingest", in.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("inputs %q: %w", name, err)
	}
	s.trees[name] = in
	return in, nil
}

// inEach is how many files a directory of the trees below has.
const inEach = 100

// pages makes files of one page each, no two alike.
func (s *site) pages(ctx context.Context, files int) (*inputs, error) {
	return s.tree(ctx, fmt.Sprintf("pages-%d", files), func(_ context.Context, dir string) error {
		b := make([]byte, inside.Page)
		return eachFile(dir, files, func(i int) []byte {
			inside.Fill(b, uint64(i))
			return b
		})
	})
}

// dot is the content of files that nobody reads.
const dot = ".\n"

// dots makes files that are all alike, to be looked at from outside.
func (s *site) dots(ctx context.Context, files int) (*inputs, error) {
	return s.tree(ctx, fmt.Sprintf("dots-%d", files), func(_ context.Context, dir string) error {
		return eachFile(dir, files, func(int) []byte { return []byte(dot) })
	})
}

func eachFile(dir string, files int, content func(int) []byte) error {
	for i := range files {
		path := filepath.Join(dir, inside.Name(i, inEach))
		if i%inEach == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(path, content(i), 0o644); err != nil {
			return err
		}
	}
	return nil
}
