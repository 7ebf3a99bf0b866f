package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/spf13/cobra"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/materialize"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/outputs"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/runstate"
)

func (a *app) materializeCmd() *cobra.Command {
	var only []string
	var partial bool
	cmd := &cobra.Command{
		Use:   "materialize RUN|DIGEST DIR",
		Short: "Write the outputs of a run, or any tree, into a directory",
		Long: `Write the outputs of a run, or the tree DIGEST, into DIR, which is made if it is missing.

Files are reflinks or copies, never links to the store; each appears whole, with mode and
mtime; hardlinks stay hardlinks. Files in DIR with the same name are replaced, others
stay. No symlink is followed out of DIR. Each file's content is verified.

A run must have a complete result; --partial takes what a partial one has.
64 hex digits alone are a run if there is one of that name, else a SHA-256 digest.

Exit codes: 0 done, 6 no such run, 5 the run has not ended, 3 the result is partial (and
--partial was not given), 4 the run has failed, 1 other failures, 2 wrong usage.`,
		Example: `  casview materialize build-17 out/
  casview materialize build-17 out/ --only 'bin/**' --only '*.log'
  casview materialize sha256:... src/`,
		Args:              args(2, 2),
		ValidArgsFunction: a.completeRunThenDir,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, glob := range only {
				if !doublestar.ValidatePattern(glob) {
					return usagef(cmd, "--only %q: not a valid glob", glob)
				}
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			c, s, err := a.openStore()
			if err != nil {
				return err
			}
			defer s.Close()
			from, err := a.sourceOf(c, s, args[0], partial)
			if err != nil {
				return err
			}
			return a.materialize(ctx, s, args[1], from, materialize.Options{Only: only, Workers: c.Collect.Workers})
		},
	}
	cmd.Flags().StringArrayVar(&only, "only", nil, "write only paths that match this `GLOB` (** crosses directories); may be repeated")
	cmd.Flags().BoolVar(&partial, "partial", false, "take the outputs of a partial result")
	return cmd
}

func (a *app) materialize(ctx context.Context, s cas.Reader, dir string, from source, o materialize.Options) error {
	bar := a.progress("materialize " + dir)
	defer bar.close()
	var total int64
	if !bar.silent() && len(o.Only) == 0 {
		var err error
		if total, err = from.bytes(); err != nil {
			return err
		}
		bar.show(0, total) // the clock of the rate starts here
	}
	o.Progress = func(files, bytes int64) {
		if total == 0 {
			bar.count(files)
			return
		}
		bar.show(bytes, total)
	}
	_, err := materialize.Write(ctx, s, dir, from.items, o)
	return err
}

// source is what a RUN|DIGEST argument names. bytes is the size of all of it, which costs a walk of a tree.
type source struct {
	items iter.Seq2[materialize.Item, error]
	bytes func() (int64, error)
}

func (a *app) sourceOf(c config.Config, s cas.Reader, name string, partial bool) (source, error) {
	runs, err := rundir.OpenRuns(c.State)
	if err != nil {
		return source{}, err
	}
	d, err := runstate.Lookup(runs, name)
	if errors.Is(err, fs.ErrNotExist) {
		return treeSource(s, name)
	}
	if err != nil {
		return source{}, err
	}
	r, err := a.usableResult(d, partial)
	if err != nil {
		return source{}, err
	}
	return source{
		items: outputs.Items(r.HashedFiles),
		bytes: func() (int64, error) { return outputs.Bytes(r.HashedFiles), nil },
	}, nil
}

func treeSource(s cas.Reader, name string) (source, error) {
	root, _, err := digest.ParseSize(name)
	if err != nil {
		return source{}, &exitError{exitNoRun, fmt.Errorf("no run %q, and it is no digest: casview ps lists all runs", name)}
	}
	if _, err := tree.Load(s, root); err != nil {
		return source{}, inTree(root, "", err)
	}
	return source{
		items: materialize.TreeItems(s, root),
		bytes: func() (int64, error) { return treeBytes(s, root) },
	}, nil
}

func treeBytes(s cas.Reader, root cas.Digest) (int64, error) {
	var n int64
	err := tree.Walk(s, root, func(_ string, e tree.Entry, _ *tree.Directory) error {
		if e.Kind == tree.File {
			n += e.Size
		}
		return nil
	})
	return n, err
}

// usableResult is the result of a run whose outputs may be written.
func (a *app) usableResult(d *rundir.Dir, partial bool) (*result.Result, error) {
	r, err := d.Result()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notEnded(d)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case r.Status == result.Complete:
		return r, nil
	case r.Status == result.Partial && partial:
		a.note("run %s is partial: %s", d.Key(), firstOf(r.Errors))
		return r, nil
	case r.Status == result.Partial:
		return nil, &exitError{exitPartial, fmt.Errorf("run %s is partial: %s: --partial takes what is there", d.Key(), firstOf(r.Errors))}
	}
	return nil, &exitError{exitFailed, fmt.Errorf("run %s has failed and has no outputs: %s", d.Key(), firstOf(r.Errors))}
}
