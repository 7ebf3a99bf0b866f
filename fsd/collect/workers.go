package collect

import (
	"context"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// workers runs jobs in parallel; the first error or the context's end stops it.
func (c *collection) workers(ctx context.Context) (*errgroup.Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	n := c.spec.Workers
	if n <= 0 {
		n = runtime.NumCPU()
	}
	g.SetLimit(n)
	return g, ctx
}

// atOnce is how many files of one directory a worker takes. Workers in one directory wait for each other to change it.
const atOnce = 512

// inDirs does something with the outputs that are wanted, in parallel and by directory: one is looked up once for many files.
// err is why it could not be opened; then there is no dir. The error is the context's.
func (c *collection) inDirs(ctx context.Context, want func(*output) bool,
	do func(ctx context.Context, dir *os.File, err error, list []*output)) error {
	byDir := map[string][]*output{}
	var dirs []string // in the order of the outputs
	for i := range c.outputs {
		o := &c.outputs[i]
		if !want(o) {
			continue
		}
		dir, _ := split(o.Path)
		if byDir[dir] == nil {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], o)
	}
	g, ctx := c.workers(ctx)
	for _, path := range dirs {
		for list := byDir[path]; len(list) > 0; {
			some := list[:min(atOnce, len(list))]
			list = list[len(some):]
			g.Go(func() error {
				dir, err := c.stagedDir(path)
				if err == nil {
					defer dir.Close()
				}
				do(ctx, dir, err, some)
				return ctx.Err()
			})
		}
	}
	return g.Wait()
}

func (c *collection) stagedDir(path string) (*os.File, error) {
	if c.root == nil {
		return nil, os.ErrNotExist
	}
	return c.root.dir(path)
}
