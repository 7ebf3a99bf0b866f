// Command casview-fsd serves one view and collects its result. `serve` is started by casview-hook and `casview mount` with
// the descriptors of package rundir; `collect` finishes a run whose daemon died.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/casview/casview/cmd/internal/version"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd"
	"github.com/casview/casview/fsd/rundir"
)

const usage = `usage:
  casview-fsd serve RUNDIR                                  started by casview-hook and casview mount
  casview-fsd collect [--config FILE] [--held] RUN|RUNDIR   make the result of a run whose daemon is dead
  casview-fsd version

--held: something may still write to the run's files; they are copied, and the result is partial.
`

func main() {
	// The first thread never ends, so no goroutine that takes a mount namespace of its own may run on it.
	runtime.LockOSThread()
	err := run(os.Args[1:])
	var wrong usageError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "casview-fsd: %v\n%s", err, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "casview-fsd: %v\n", err)
		os.Exit(1)
	}
}

type usageError string

func (e usageError) Error() string { return string(e) }

func run(args []string) error {
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
		return collect(args[1:])
	case "version", "--version":
		fmt.Println(version.String())
		return nil
	case "help", "--help", "-h":
		fmt.Print(usage)
		return nil
	default:
		return usageError(fmt.Sprintf("unknown command %q", args[0]))
	}
}

func serve(path string) error {
	sock := os.NewFile(rundir.SocketFD, "starter")
	// The lock is held as long as this process lives.
	lock := os.NewFile(rundir.LockFD, "lock")
	defer lock.Close()
	syscall.CloseOnExec(rundir.SocketFD)
	syscall.CloseOnExec(rundir.LockFD)

	run, log, err := openRun(path)
	if err != nil {
		return errors.Join(err, rundir.SendReply(sock, rundir.Reply{Error: err.Error()}, nil))
	}
	d, err := fsd.Start(run, log)
	if err != nil {
		log.Error("no view", "cause", err)
		return errors.Join(err, rundir.SendReply(sock, rundir.Reply{Error: err.Error()}, nil))
	}
	if err := d.Handover(sock); err != nil {
		log.Error("the view was not attached", "cause", err)
		return errors.Join(err, d.GiveUp())
	}
	sock.Close()
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := fsd.Confine(run.Spec(), run, log); err != nil {
		log.Warn("the daemon runs with more rights than it needs", "cause", err)
	}
	if err := d.Finish(stop); err != nil {
		log.Error("no result", "cause", err)
		return err
	}
	return nil
}

func collect(args []string) error {
	var configPath string
	var held bool
	for len(args) > 1 {
		switch {
		case args[0] == "--config":
			configPath, args = args[1], args[2:]
		case args[0] == "--held":
			held, args = true, args[1:]
		default:
			return usageError(fmt.Sprintf("unknown option %q", args[0]))
		}
	}
	if len(args) != 1 {
		return usageError("collect takes one run")
	}
	path, err := runPath(configPath, args[0])
	if err != nil {
		return err
	}
	run, log, err := openRun(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no run %s", args[0])
	}
	if err != nil {
		return err
	}
	lock, err := run.TryLock()
	if err != nil {
		return fmt.Errorf("run %s: %w", run.Key(), err)
	}
	defer lock.Close()
	return fsd.Collect(run, held, log)
}

// runPath takes a run's directory as it is and looks a run's name up below the configured state.
func runPath(configPath, run string) (string, error) {
	if filepath.IsAbs(run) {
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
