package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// Exit codes of a result, as `casview result` has them.
const (
	exitPartial exitCode = 3
	exitFailed  exitCode = 4
)

func collect(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("collect", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	configPath := flags.String("config", "", "")
	var c fsd.Collection
	flags.BoolVar(&c.Held, "held", false, "")
	flags.DurationVar(&c.Timeout, "timeout", 0, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(stdout, usage)
		return err
	case err != nil:
		return usageError("collect: " + err.Error())
	case flags.NArg() != 1:
		return usageError(fmt.Sprintf("collect takes one run after its options, not %q", flags.Args()))
	case c.Timeout < 0:
		return usageError(fmt.Sprintf("collect: --timeout %v is below zero", c.Timeout))
	}
	r, path, err := collectRun(*configPath, flags.Arg(0), c)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, r.Status, oneLine(path)); err != nil {
		return err
	}
	switch r.Status {
	case result.Complete:
		return nil
	case result.Partial:
		return exitPartial
	}
	return exitFailed
}

func collectRun(configPath, name string, c fsd.Collection) (r *result.Result, path string, err error) {
	path, err = runPath(configPath, name)
	if err != nil {
		return nil, "", err
	}
	run, log, err := openRun(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("no run %s (%w)", name, err)
	}
	if err != nil {
		return nil, "", err
	}
	lock, err := run.TryLock()
	if err != nil {
		return nil, "", fmt.Errorf("run %s: %w", run.Key(), err)
	}
	defer lock.Close()
	r, err = fsd.Collect(run, c, log)
	return r, run.ResultPath(), err
}

// runPath takes a path as it is, and looks a run's name up below the configured state.
func runPath(configPath, run string) (string, error) {
	if strings.Contains(run, "/") {
		return run, nil
	}
	key, err := rundir.ParseRunKey(run)
	if err != nil {
		return "", err
	}
	c, err := config.Load(configPath)
	if err != nil {
		return "", err
	}
	return filepath.Join(c.State, "runs", string(key)), nil
}
