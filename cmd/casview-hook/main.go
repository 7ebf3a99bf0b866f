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
)

const usage = `usage: casview-hook [--config FILE] createRuntime|prestart|poststop

Started by container runtimes, with the OCI state of a container on stdin.
  createRuntime, prestart   give the container its view; exit 1 means that it must not start
  poststop                  wait until its outputs are collected; exit 1 means that they are not complete

  --config FILE   configuration (else /etc/casview/config.toml, where it exists)
  --help          print this
  --version       print the version
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
	var wrong usageError
	if errors.As(err, &wrong) {
		os.Exit(2)
	}
	os.Exit(1)
}

type usageError struct{ error }

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	started := time.Now()
	flags := flag.NewFlagSet("casview-hook", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	configFile := flags.String("config", "", "")
	showVersion := flags.Bool("version", false, "")
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
	return call(ctx, hook.Env{FSD: fsd, Dir: dir, Started: started}, cfg, stdin)
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
