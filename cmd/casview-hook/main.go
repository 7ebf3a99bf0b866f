// Command casview-hook is started by container runtimes: as createRuntime (or prestart) it gives a container its view, as
// poststop it waits for the result. The container's OCI state comes on stdin.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/casview/casview/cmd/internal/version"
	"github.com/casview/casview/config"
	"github.com/casview/casview/hook"
	"github.com/casview/casview/hook/daemon"
	"github.com/casview/casview/hook/state"
)

const usage = `usage: casview-hook [--config FILE] [--inputs DIGEST [--target PATH] [--outputs GLOBS]] STAGE

Started by container runtimes, with the OCI state of a container on stdin. STAGE is
  createRuntime, prestart   give the container its view; exit 1 means that it must not start
  poststop                  wait until its outputs are collected; exit 1 means that there is no result

  --config FILE     configuration (else /etc/casview/config.toml, where it exists)
  --inputs DIGEST   give every container this input set, whether it has annotations or not; one whose annotations say
                    anything else does not start. Its run's name may still come from io.casview.run
  --target PATH     with --inputs: where the view goes (else view.target)
  --outputs GLOBS   with --inputs: which outputs are stored, as a JSON list (else all)
  --help            print this
  --version         print the version
`

func main() {
	// The first thread never ends, so it must not be the one that enters a container. See hook/attach.
	runtime.LockOSThread()
	// Engines start hooks with any umask.
	syscall.Umask(0o022)
	err := run(os.Args[1:], os.Stdin, os.Stdout)
	if err == nil {
		return
	}
	// One line, since engines show only the first or the last.
	fmt.Fprintf(os.Stderr, "casview: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	os.Exit(exitCode(err))
}

type usageError struct{ error }

func exitCode(err error) int {
	switch {
	case errors.As(err, new(hook.Incomplete)):
		return 0
	case errors.As(err, new(usageError)):
		return 2
	}
	return 1
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	started := time.Now()
	flags := flag.NewFlagSet("casview-hook", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	configFile := flags.String("config", "", "")
	showVersion := flags.Bool("version", false, "")
	var given state.Options
	flags.Func("inputs", "", notEmpty(&given.Inputs))
	flags.Func("target", "", notEmpty(&given.Target))
	flags.Func("outputs", "", notEmpty(&given.Outputs))
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(stdout, usage)
		return err
	case err != nil:
		return usageError{err}
	case *showVersion:
		_, err := fmt.Fprintln(stdout, "casview-hook", version.String())
		return err
	case flags.NArg() != 1:
		return usageError{errors.New("one stage expected: createRuntime, prestart or poststop")}
	}
	call, err := stage(flags.Arg(0))
	if err != nil {
		return err
	}
	request, err := requestOf(given)
	if err != nil {
		return usageError{err}
	}
	cfg, err := config.Load(*configFile)
	if err != nil {
		return err
	}
	fsd, err := daemon.BesideSelf()
	if err != nil {
		return err
	}
	// Fails in a directory that was removed; then nothing is looked up in it.
	dir, _ := os.Getwd()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer cancel()
	return call(ctx, hook.Env{FSD: fsd, Dir: dir, Started: started, Request: request}, cfg, stdin)
}

// notEmpty takes an option's value. An empty one is no way to leave the option out: a container would silently run without
// its inputs.
func notEmpty(to *string) func(string) error {
	return func(value string) error {
		if value == "" {
			return errors.New("is empty")
		}
		*to = value
		return nil
	}
}

// requestOf is what the options give a container; nil if there are none.
func requestOf(o state.Options) (*state.Request, error) {
	r, given, err := o.Request()
	if err != nil || !given {
		return nil, err
	}
	return &r, nil
}

func stage(name string) (func(context.Context, hook.Env, config.Config, io.Reader) error, error) {
	switch name {
	case "createRuntime", "prestart":
		return hook.Create, nil
	case "poststop":
		return hook.Poststop, nil
	}
	return nil, usageError{fmt.Errorf("unknown stage %q: createRuntime, prestart or poststop expected", name)}
}
