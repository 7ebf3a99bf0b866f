// Bench measures what a job in casview costs beside the same job on a plain container filesystem: real runc containers,
// real work, each row's columns in turn.
//
//	main       arguments; an own mount namespace; the helper's two other lives, in a container and as a hook
//	disk       a filesystem of its own
//	site       where everything is: programs, root filesystem, one or more installations of casview
//	inputs     trees that jobs are given, as a plain directory and in the store
//	column     the ways to give them to a job; place_* does it
//	container  one job in one container
//	row        what is measured, in row_*; run takes the turns
//	figure     ratios, limits and verdicts from what was measured
//	table, json
//	           the same for people and for scripts
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

func main() {
	err := start(os.Args[1:])
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited(): // which has said why
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// The helper's other lives: what it is when its first argument says so.
const (
	insideArg = "inside"
	hookArg   = "hook"
)

func start(args []string) error {
	if len(args) > 0 && args[0] == insideArg {
		return inside.Main(args[1:], os.Stdout)
	}
	if len(args) > 0 && args[0] == hookArg {
		return timeHook(args[1:])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if dir := os.Getenv(dirVariable); dir != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return run(ctx, o, dir, os.Stdout, os.Stderr)
	}
	return inOwnNamespace(o.dir, args)
}

type options struct {
	programs   string
	source     string
	dir        string
	filesystem string // "" for that of dir
	rows       rowSet
	rounds     int
	peers      bool
	quick      bool
	json       string
}

// parse reads the arguments. Empty ones are as good as missing: make passes variables that nobody has set.
func parse(args []string) (options, error) {
	o := options{}
	own, err := os.Executable()
	if err != nil {
		return o, err
	}
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.StringVar(&o.programs, "programs", filepath.Dir(own), "`DIR` with casview, casview-hook and casview-fsd")
	f.StringVar(&o.source, "source", ".", "`DIR` of casview's source, which row 1 builds")
	f.StringVar(&o.dir, "dir", "/var/tmp", "`DIR` on a disk, with 16 GiB of room")
	f.StringVar(&o.filesystem, "filesystem", "ext4", "`KIND` of the new filesystem to measure on, ext4 or xfs;\n'' for that of DIR")
	f.Var(&o.rows, "rows", "measure only these `ROWS`: 1,9")
	f.IntVar(&o.rounds, "rounds", 5, "`ROUNDS` to take medians of")
	f.BoolVar(&o.peers, "peers", false, "measure fuse-overlayfs, bind mounts and copies as well, which takes twice as long")
	f.BoolVar(&o.quick, "quick", false, "small sizes: finds out whether all rows work, and its figures mean nothing")
	f.StringVar(&o.json, "json", "", "write all figures to `FILE`")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.rounds < 1 {
		return o, errors.New("no arguments, and at least one round")
	}
	for _, dir := range []*string{&o.programs, &o.source, &o.dir} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return o, err
		}
	}
	return o, nil
}

// run measures everything and prints it. A row that fails does not keep others from being measured, but is an error.
func run(ctx context.Context, o options, dir string, out, progress io.Writer) (err error) {
	s, err := newSite(ctx, o, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	b := &bench{site: s, progress: progress}
	r, err := newReport(b)
	if err != nil {
		return err
	}
	failed := b.measure(ctx)
	if err := r.fill(b); err != nil {
		return errors.Join(failed, err)
	}
	if o.json != "" {
		failed = errors.Join(failed, r.writeJSON(o.json))
	}
	return errors.Join(failed, r.writeTable(out))
}
