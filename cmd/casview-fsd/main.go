// Command casview-fsd serves one view and collects its result. `serve` is started by casview-hook and `casview mount` with
// the descriptors of package rundir; `collect` finishes a run whose daemon died.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/casview/casview/cmd/internal/version"
	"github.com/casview/casview/fsd/rundir"
)

const usage = `usage:
  casview-fsd serve RUNDIR               started by casview-hook and casview mount
  casview-fsd collect [options] RUN      make the result of a run whose daemon is dead
  casview-fsd version

RUN is a run's name, or its directory: a path with a "/".
collect prints the result's status and path. Its exit codes are those of casview result: 0 complete, 3 partial,
4 failed; 1 when there is no result, 2 for wrong usage.

options of collect:
  --config FILE    configuration, which says where runs are (else /etc/casview/config.toml, where it exists)
  --held           something may still write to the run's files: they are copied, and the result is partial
  --timeout TIME   give up after this time, as 60s or 5m
`

func main() {
	err := run(os.Args[1:], os.Stdout)
	code := exitCode(1)
	var wrong usageError
	switch {
	case err == nil:
		return
	case errors.As(err, &code):
	case errors.As(err, &wrong):
		code = 2
		fmt.Fprintf(os.Stderr, "casview-fsd: %v\n%s", err, usage)
	default:
		fmt.Fprintf(os.Stderr, "casview-fsd: %s\n", oneLine(err.Error()))
	}
	os.Exit(int(code))
}

// exitCode is asked for when everything has been said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// usageError is a wrong command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func run(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return usageError("no command")
	}
	switch args[0] {
	case "serve":
		if len(args) != 2 {
			return usageError("serve takes one run directory")
		}
		return serve(args[1])
	case "collect":
		return collect(args[1:], stdout)
	case "version", "--version":
		_, err := fmt.Fprintln(stdout, version.String())
		return err
	case "help", "--help", "-h":
		_, err := io.WriteString(stdout, usage)
		return err
	default:
		return usageError(fmt.Sprintf("unknown command %q", args[0]))
	}
}

// oneLine keeps a message on the one line that whoever reads a log expects; joined errors come with line breaks.
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }

func openRun(path string) (*rundir.Dir, *slog.Logger, error) {
	run, err := rundir.OpenPath(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(run.LogPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(run.Spec().LogLevel)); err != nil {
		return nil, nil, fmt.Errorf("log level: %w", err)
	}
	return run, slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})).With("run", run.Key()), nil
}
