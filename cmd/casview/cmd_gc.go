package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/casview/casview/cas/gc"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/inuse"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/cdi"
)

// gcOptions are the options of `casview gc`.
type gcOptions struct {
	grace, keepResults time.Duration
	specDirs           []string
	dryRun, asJSON     bool
}

func (a *app) gcCmd() *cobra.Command {
	var o gcOptions
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove what nothing uses any more from the store",
		Long: `Remove the blobs that nothing uses any more, and print how many, in one line.

In use is what these name: live and uncollected runs, results with their inputs and outputs,
CDI specs of others too, each directory's last ingest for 30 days, and files in STATE/roots, each
of which holds one root digest. What was stored or asked for within gc.grace stays, too. It may run at
any time: runs may start and end, and directories be ingested meanwhile.

With gc.keep_results or --keep-results, results that are older are removed too. Outputs that
are still staged, because they could not be stored, are never removed.

With --json an object: {"removed_results": [RUN], "removed_blobs", "removed_bytes",
"kept_blobs", "dry_run"}. Packages start this command once a day.

Exit codes: 0 done, 1 something in use could not be read, 2 wrong usage. Nothing is removed if
a result can't be read, or a directory of a tree in use is missing or damaged. If a run's
description is torn, by a power cut, the rest is done.`,
		Example: `  casview gc --dry-run
  casview gc --keep-results 720h
  mkdir -p /var/lib/casview/roots && casview ingest ./base > /var/lib/casview/roots/base`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			c, err := a.config()
			if err != nil {
				return err
			}
			if err := o.complete(cmd, c); err != nil {
				return err
			}
			return a.gc(ctx, c, o)
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "remove nothing, and print what would be")
	cmd.Flags().DurationVar(&o.grace, "grace", 0, "keep what was stored or asked for within this `TIME`; with less than 2h nothing may\nbe ingested meanwhile")
	cmd.Flags().DurationVar(&o.keepResults, "keep-results", 0, "remove results older than this `TIME`; 0s is none")
	cmd.Flags().StringArrayVar(&o.specDirs, "spec-dir", nil, "look for devices of casview cdi in this folder too: `DIR`")
	_ = cmd.MarkFlagDirname("spec-dir")
	for name, key := range map[string]string{"grace": "gc.grace", "keep-results": "gc.keep_results"} {
		cmd.Flags().Lookup(name).DefValue = key
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	jsonFlag(cmd, &o.asJSON)
	return cmd
}

// complete takes from the configuration what the command line does not say.
func (o *gcOptions) complete(cmd *cobra.Command, c config.Config) error {
	for _, t := range []struct {
		name   string
		value  *time.Duration
		config time.Duration
	}{{"grace", &o.grace, c.GC.Grace.Duration}, {"keep-results", &o.keepResults, c.GC.KeepResults.Duration}} {
		if !cmd.Flags().Changed(t.name) {
			*t.value = t.config
		}
		if *t.value < 0 {
			return usagef(cmd, "--%s %v is below zero", t.name, *t.value)
		}
	}
	return nil
}

// gcReport is what came of it.
type gcReport struct {
	RemovedResults []rundir.RunKey `json:"removed_results"`
	RemovedBlobs   int64           `json:"removed_blobs"`
	RemovedBytes   int64           `json:"removed_bytes"`
	KeptBlobs      int64           `json:"kept_blobs"`
	DryRun         bool            `json:"dry_run"`
}

func (a *app) gc(ctx context.Context, c config.Config, o gcOptions) error {
	store, err := openStore(storeDir(c), c.Store.Digest)
	if err != nil {
		return err
	}
	defer store.Close()
	runs, err := rundir.OpenRuns(c.State)
	if err != nil {
		return err
	}
	var before time.Time
	if o.keepResults > 0 {
		before = time.Now().Add(-o.keepResults)
	}
	dirs, err := specDirs(c.State, o.specDirs)
	if err != nil {
		return err
	}
	users := inuse.New(runs, before, func(add func(gc.Root) error) error {
		return errors.Join(inuse.Named(filepath.Join(c.State, "roots"), add), devices(dirs, add))
	})
	bar := a.progress("gc")
	swept, err := gc.Collect(ctx, store, users, gc.Options{Grace: o.grace, DryRun: o.dryRun,
		Progress: func(doing string, blobs int64) { bar.say("%s: %d blobs", doing, blobs) }})
	bar.close()
	if errors.As(err, new(*gc.BrokenError)) {
		err = fmt.Errorf("nothing was removed, because what is in use is not whole: %w: ingest it again, or remove what names it", err)
	}
	report := gcReport{RemovedResults: append([]rundir.RunKey{}, users.Expired...), RemovedBlobs: swept.Removed,
		RemovedBytes: swept.Bytes, KeptBlobs: swept.Kept, DryRun: o.dryRun}
	if err == nil && !o.dryRun {
		err = runs.Tidy(time.Now().Add(-max(o.grace, gc.AtWork)))
	}
	// What was removed is told in any case.
	if err == nil || !o.dryRun && len(users.Expired) > 0 {
		err = errors.Join(err, a.printGC(report, o.asJSON))
	}
	if staged := few(users.Staged); staged != nil {
		a.note("%v: not removed; casview-fsd collect RUN stores them", staged)
	}
	return errors.Join(err, few(users.Unreadable))
}

// few joins the first of many errors, and says how many there are.
func few(errs []error) error {
	const most = 5
	if len(errs) > most {
		errs = append(errs[:most:most], fmt.Errorf("and %d more of this kind", len(errs)-most))
	}
	return errors.Join(errs...)
}

// specDirs are the folders of CDI specs that engines read, those that `casview cdi` has written into, and those that were named,
// which must be there.
func specDirs(state string, named []string) ([]string, error) {
	for _, dir := range named {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("--spec-dir: %w", err)
		}
	}
	written, err := readSpecDirs(state)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(named, written, []string{cdi.SystemDir, cdi.RuntimeDir, specDir()})
	return slices.Compact(slices.Sorted(slices.Values(all))), nil
}

// devices adds the inputs of CDI devices, which may be another store's.
func devices(dirs []string, add func(gc.Root) error) error {
	for _, dir := range dirs {
		all, err := cdi.Dir(dir).Inputs()
		if err != nil {
			return err
		}
		for _, given := range all {
			if err := add(gc.Root{Digest: given.Inputs, Tree: true, Elsewhere: true, Of: given.File}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) printGC(r gcReport, asJSON bool) error {
	if asJSON {
		return writeJSON(a.out, r)
	}
	removed, left := "removed", "left"
	if r.DryRun {
		removed, left = "would remove", "leave"
	}
	results := ""
	if n := len(r.RemovedResults); n > 0 {
		results = plural(int64(n), "result") + ", "
	}
	_, err := fmt.Fprintf(a.out, "%s %s%s, %s, and %s %d\n", removed, results, plural(r.RemovedBlobs, "blob"),
		humanize.IBytes(uint64(r.RemovedBytes)), left, r.KeptBlobs)
	return err
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
