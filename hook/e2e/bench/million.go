package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// contents is how many different files the million inputs have. Each is in the store and costs time to get there, and
// there is nothing to see in more of them.
const contents = 100

// million returns a million inputs, or fewer where sizes are small. They were imported: there are no files.
func (s *site) million(ctx context.Context) (*inputs, error) {
	const name = "million"
	if in := s.trees[name]; in != nil {
		return in, nil
	}
	manifest, err := s.manifest(ctx)
	if err != nil {
		return nil, err
	}
	root, err := s.main.casview(ctx, "tree", "import", manifest)
	s.trees[name] = &inputs{root: root}
	return s.trees[name], err
}

// millions is how many inputs a million are.
func (s *site) millions() int { return s.sized(1_000_000, 20_000) }

// manifest writes an input manifest for so many files, 1000 in a directory and 100 directories in another, unless it is
// there. Their contents are those of pages(contents).
func (s *site) manifest(ctx context.Context) (path string, err error) {
	in, err := s.pages(ctx, contents)
	if err != nil {
		return "", err
	}
	var hashes []string
	for n := range contents {
		hash, err := inside.OfFile(filepath.Join(in.dir, inside.Name(n, inEach)), 0)
		if err != nil {
			return "", err
		}
		hashes = append(hashes, hash)
	}
	path = s.path("manifest.json")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, `{"schema": "casview.inputs/v1", "visible": [`)
	for n := range s.millions() {
		if n > 0 {
			fmt.Fprintln(w, ",")
		}
		fmt.Fprintf(w, `{"path": "src/part%02d/module%02d/file%03d.c", `, n/100_000, n/1000%100, n%1000)
		fmt.Fprintf(w, `"hash": "sha256:%s", "mode": 420, "mtime_sec": 1735689600, "mtime_nsec": %d}`, hashes[n%contents], n)
	}
	fmt.Fprintln(w, "\n]}")
	return path, w.Flush()
}
