// Costs measures what a job's system calls cost on a view, with each staging driver, beside a plain directory of the
// same filesystem. It uses the programs as they are shipped and looks at real mounts, in a mount namespace of its own.
//
// The columns take turns: in each round each of them does an operation some hundred times before the next operation's
// turn comes, so that a busy host slows all of them. Times are noisy all the same. How many requests an operation makes
// to the daemon is not: that is counted apart, on mounts which do nothing else.
//
//	site      programs, store and inputs that all columns share
//	place     the inputs, fresh, in a plain directory or in a view
//	operation what is timed: reading, naming, writing, trees
//	bench     rounds, and the counting of requests
//	report    the table, or JSON
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type options struct {
	programs   string
	dir        string
	filesystem string // "" for that of dir
	rounds     int
	percent    int
	only       *regexp.Regexp
	requests   bool
	asJSON     bool
	timeout    time.Duration
}

func main() {
	// The mount namespace is this thread's, and when it ends the views are told to.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "costs:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	o := options{only: regexp.MustCompile("")}
	own, err := os.Executable()
	if err != nil {
		return o, err
	}
	f := flag.NewFlagSet("costs", flag.ExitOnError)
	f.StringVar(&o.programs, "programs", filepath.Dir(own), "`DIR` with casview and casview-fsd")
	f.StringVar(&o.dir, "dir", "/var/tmp", "`DIR` on a disk, with 2 GiB of room")
	f.StringVar(&o.filesystem, "filesystem", "ext4",
		"measure on a new `KIND` of filesystem, ext4 or xfs, in a file in DIR; '' for DIR's own")
	f.IntVar(&o.rounds, "rounds", 7, "rounds to take medians of")
	f.IntVar(&o.percent, "percent", 100, "do only so many percent of the operations")
	f.DurationVar(&o.timeout, "timeout", 30*time.Minute, "give up after that `TIME`")
	f.BoolVar(&o.requests, "requests", true, "count requests as well")
	f.BoolVar(&o.asJSON, "json", false, "print JSON instead of a table")
	f.Func("only", "operations to measure: those with a name that matches `REGEXP`", func(s string) (err error) {
		o.only, err = regexp.Compile(s)
		return err
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.rounds < 1 || o.percent < 1 || o.percent > 100 {
		return o, fmt.Errorf("wrong use: no arguments, -rounds from 1, -percent from 1 to 100")
	}
	return o, nil
}

// run measures everything and prints it. What it made is gone when it returns.
func run(ctx context.Context, o options, out, progress io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if err := privateNamespace(); err != nil {
		return err
	}
	s, err := newSite(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, s.remove()) }()
	r, err := newReport(ctx, s, o.rounds)
	if err != nil {
		return err
	}
	b := &bench{site: s, operations: chosen(o.only, o.percent), progress: progress}
	if err := b.findColumns(ctx); err != nil {
		return err
	}
	if err := b.measure(ctx, o.rounds); err != nil {
		return err
	}
	if o.requests {
		if err := b.count(ctx); err != nil {
			return err
		}
	}
	if err := r.fill(b); err != nil {
		return err
	}
	if o.asJSON {
		return r.writeJSON(out)
	}
	return r.writeTable(out)
}

// chosen are the operations with names that match, each done so many percent as often.
func chosen(only *regexp.Regexp, percent int) []operation {
	var list []operation
	for _, op := range operations() {
		if only.MatchString(op.name) {
			op.ops = max(op.step, op.ops*percent/100/op.step*op.step)
			list = append(list, op)
		}
	}
	return list
}

// privateNamespace gives this thread, and what it starts, a mount namespace that goes with them.
func privateNamespace() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare the mount namespace (it needs root): %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts from the host: %w", err)
	}
	return nil
}
