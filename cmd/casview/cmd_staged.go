package main

import (
	"github.com/spf13/cobra"

	"github.com/casview/casview/fsd/collect"
	"github.com/casview/casview/fsd/result"
)

func (a *app) stagedCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "staged RUN",
		Short: "Show what a live run has written so far",
		Long: `Show what a run would leave if it ended now: an object
{"staging_files": {PATH: {...}}, "modified_inputs", "deleted_inputs", "undeclared", "errors"}.
The entries of staging_files are those of hashed_files in result.json, but a file has
"staging_path", where its bytes are on this host, instead of "hash".

Works on a live run, and on one that is not collected yet; in a live one files may be
gone when this returns. A run whose result is complete has nothing staged any more.

Exit codes: 0 done, 6 no such run, 1 other failures, 2 wrong usage.`,
		Example:           `  casview staged build-17 | jq -r '.staging_files | keys[]'`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			_, runs, err := a.openRuns()
			if err != nil {
				return err
			}
			d, err := findRun(runs, args[0])
			if err != nil {
				return err
			}
			s, err := openStore(d.Spec().Store, d.Spec().Digest)
			if err != nil {
				return err
			}
			defer s.Close()
			staged, err := collect.Stage(ctx, d, s)
			if err != nil {
				return err
			}
			return writeJSON(a.out, struct {
				StagingFiles   result.Files  `json:"staging_files"`
				ModifiedInputs []result.Path `json:"modified_inputs"`
				DeletedInputs  []result.Path `json:"deleted_inputs"`
				Undeclared     []result.Path `json:"undeclared"`
				Errors         []string      `json:"errors"`
			}{staged.Files, list(staged.ModifiedInputs), list(staged.DeletedInputs), list(staged.Undeclared), list(staged.Errors)})
		},
	}
}

// list makes nil an empty list: JSON readers can't count null.
func list[T any](s []T) []T { return append([]T{}, s...) }
