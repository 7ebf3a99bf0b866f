package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/ingest"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/result"
)

func (a *app) ingestCmd() *cobra.Command {
	var visible string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ingest DIR",
		Short: "Store a directory and print its root digest",
		Long: `Store the files of DIR and print the root digest of the tree, which names the whole set of
inputs. Files that have not changed since the last time are not read again. Sockets,
fifos, devices and casview's own state directory are skipped with a warning. A file that changes while it is read is an
error that names it. Ctrl-C leaves the store as good as it was.

With --visible only the paths that an input manifest (schema casview.inputs/v1) lists;
hashes given there are checked. "-" is stdin.

With --json an object: {"root", "files", "dirs", "symlinks", "bytes", "hashed", "reused",
"bytes_read", "skipped": [{"path", "type", "reason"}]}; hashed and reused count files.`,
		Example: `  root=$(casview ingest .)
  casview ingest src --visible inputs.json`,
		Args: args(1, 1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef(cmd, "DIR is empty: is a shell variable unset?")
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			c, s, err := a.openStore()
			if err != nil {
				return err
			}
			defer s.Close()
			var list io.Reader
			if visible != "" {
				f, _, err := a.openInput(visible)
				if err != nil {
					return err
				}
				defer f.Close()
				list = f
			}
			r, err := a.ingest(ctx, c, s, args[0], list)
			if err != nil && visible != "" {
				err = fmt.Errorf("%s: %w", visible, err)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.out, ingestJSON(r))
			}
			_, err = fmt.Fprintln(a.out, r.Root)
			return err
		},
	}
	cmd.Flags().StringVar(&visible, "visible", "", "store only what this input manifest `FILE` lists")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// ingest stores a directory, with a progress bar and warnings for what was left out.
func (a *app) ingest(ctx context.Context, c config.Config, s *cas.Local, dir string, visible io.Reader) (ingest.Result, error) {
	bar := a.progress("ingest " + dir)
	r, err := ingest.Dir(ctx, s, dir, ingest.Options{
		Workers: c.Collect.Workers, Visible: visible, MaxInputs: c.Policy.MaxInputs,
		Exclude: []string{c.State},
		Progress: func(p ingest.Progress) {
			if p.Scanning {
				bar.count(p.TotalFiles)
				return
			}
			bar.show(p.Bytes, p.TotalBytes)
		},
	})
	bar.close()
	if err != nil {
		return r, err
	}
	for _, skip := range r.Skipped {
		a.note("warning: skipped %s %q: %s", skip.Type, skip.Path, skip.Reason)
	}
	if r.IndexErr != nil {
		a.note("warning: the next ingest reads all files again: %v", r.IndexErr)
	}
	return r, nil
}

func ingestJSON(r ingest.Result) any {
	type skipped struct {
		Path   result.Path `json:"path"`
		Type   string      `json:"type"`
		Reason string      `json:"reason"`
	}
	skips := []skipped{}
	for _, s := range r.Skipped {
		skips = append(skips, skipped{result.Path(s.Path), s.Type, s.Reason})
	}
	return struct {
		Root      cas.Digest `json:"root"`
		Files     int64      `json:"files"`
		Dirs      int64      `json:"dirs"`
		Symlinks  int64      `json:"symlinks"`
		Bytes     int64      `json:"bytes"`
		Hashed    int64      `json:"hashed"`
		Reused    int64      `json:"reused"`
		BytesRead int64      `json:"bytes_read"`
		Skipped   []skipped  `json:"skipped"`
	}{r.Root, r.Stats.Files, r.Stats.Dirs, r.Stats.Symlinks, r.Stats.Bytes, r.Hashed, r.Reused, r.BytesRead, skips}
}
