package main

import (
	"context"
	"errors"
	"fmt"
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
CDI devices, each directory's last ingest for 30 days, and files in STATE/roots, each of which
holds one root digest. What was stored or asked for within gc.grace stays, too. It may run at
any time: runs may start and end, and directories be ingested meanwhile.

With gc.keep_results or --keep-results, results that are older are removed first. Outputs that
are still staged, because they could not all be stored, are never removed.

With --json an object: {"removed_results": [RUN], "removed_blobs", "removed_bytes",
"kept_blobs", "dry_run"}. Packages start this command once a day.

Exit codes: 0 done, 1 something in use could not be read, 2 wrong usage. Nothing is removed if
a result can't be read. If a directory of a tree is missing or a run's description is torn, the
rest is done.`,
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
	cmd.Flags().DurationVar(&o.grace, "grace", 0, "keep what was stored or asked for within this `TIME` (default gc.grace); with less than 2h\nnothing may be ingested meanwhile")
	cmd.Flags().DurationVar(&o.keepResults, "keep-results", 0, "remove results older than this `TIME`; 0s is none (default gc.keep_results)")
	cmd.Flags().StringArrayVar(&o.specDirs, "spec-dir", nil, "look for devices of casview cdi in this folder too: `DIR`")
	_ = cmd.MarkFlagDirname("spec-dir")
	for _, name := range []string{"grace", "keep-results"} {
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
	o.specDirs = slices.Compact(slices.Sorted(slices.Values(append(o.specDirs, cdi.SystemDir, specDir()))))
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
	report := gcReport{DryRun: o.dryRun, RemovedResults: []rundir.RunKey{}}
	gone, broken := removeResults(runs, o)
	report.RemovedResults = append(report.RemovedResults, gone...)

	bar := a.progress("gc")
	// Those that were removed are not there any more, and a new run may have the name.
	var but []rundir.RunKey
	if o.dryRun {
		but = gone
	}
	users := inuse.New(runs, but, func(add func(gc.Root) error) error {
		return errors.Join(inuse.Named(filepath.Join(c.State, "roots"), add), devices(o.specDirs, add))
	})
	swept, err := gc.Collect(ctx, store, users, gc.Options{Grace: o.grace, DryRun: o.dryRun,
		Progress: func(doing string, blobs int64) { bar.say("%s: %d blobs", doing, blobs) }})
	bar.close()
	report.RemovedBlobs, report.RemovedBytes, report.KeptBlobs = swept.Removed, swept.Bytes, swept.Kept
	if err == nil && !o.dryRun {
		broken = errors.Join(broken, runs.Tidy(time.Now().Add(-max(o.grace, gc.AtWork))))
	}
	if err == nil {
		err = a.printGC(report, o.asJSON)
	}
	return errors.Join(err, broken, few(append(swept.Broken, users.Unreadable...)))
}

// few joins the first of many errors, and says how many there are.
func few(errs []error) error {
	const most = 5
	if len(errs) > most {
		errs = append(errs[:most:most], fmt.Errorf("and %d more of this kind", len(errs)-most))
	}
	return errors.Join(errs...)
}

// removeResults removes the results that are too old. One that can't be removed does not keep the others.
func removeResults(runs *rundir.Runs, o gcOptions) (gone []rundir.RunKey, broken error) {
	if o.keepResults == 0 {
		return nil, nil
	}
	all, _ := runs.List() // what can't be read is the collector's to complain of
	for _, d := range all {
		removed, err := d.RemoveIfEnded(time.Now().Add(-o.keepResults), o.dryRun)
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("run %s: %w", d.Key(), err))
		}
		if removed {
			gone = append(gone, d.Key())
		}
	}
	return gone, broken
}

// devices adds the inputs of CDI devices.
func devices(dirs []string, add func(gc.Root) error) error {
	for _, dir := range dirs {
		all, err := cdi.Dir(dir).Inputs()
		if err != nil {
			return err
		}
		for _, given := range all {
			if err := add(gc.Root{Digest: given.Inputs, Tree: true, Of: given.File}); err != nil {
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
