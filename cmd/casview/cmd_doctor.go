package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cmd/internal/version"
	"github.com/casview/casview/hook/doctor"
)

// Hidden commands, which the doctor calls: mounts are tried in a process of their own, and the job of --run is this program.
const (
	tryName = "try"
	jobName = "job"
)

func (a *app) doctorCmd() *cobra.Command {
	var asJSON, run bool
	var engine string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what works on this host, and what to do about the rest",
		Long: `Look at the kernel, the state directory and the container engines as this user sees
them, and say what works, what does not, and the command that mends it. It needs no root,
says what it could not see without, and changes nothing on the host.

  ok        it works
  degraded  casview works, but slower, or not in every case
  broken    casview does not work with that
  skipped   not looked at, with the cause

With --run a tiny container runs on a view in each engine that casview is installed into,
and its result is checked.

Each finding has an entry in docs/troubleshooting.md. With --json an object:
{"schema": "casview.doctor/v1", "version", "mode", "status", "findings": [{"id",
"subject", "status", "what", "why", "mend"}]}.

Exit code: 0 all is well, 1 something is degraded, 2 something does not work.`,
		Example: `  casview doctor
  casview doctor --engine podman --run`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
			defer stop()
			if cmd.Flags().Changed("engine") && !slices.Contains(doctor.EngineNames(), engine) {
				return usagef(cmd, "engine %q: is none of %s", engine, strings.Join(doctor.EngineNames(), ", "))
			}
			o, err := a.doctorOptions(engine)
			if err != nil {
				return err
			}
			o.Run = run
			report, err := doctor.Examine(ctx, o)
			if err != nil {
				return fmt.Errorf("doctor: %w", err)
			}
			if asJSON {
				err = writeJSON(a.out, report)
			} else {
				err = printReport(a.out, report)
			}
			if err != nil {
				return err
			}
			return reportExit(report.Status)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().Var(&onceValue{to: &engine}, "engine", "look at this `ENGINE` only: "+strings.Join(doctor.EngineNames(), ", "))
	cmd.Flags().BoolVar(&run, "run", false, "run a tiny container in each engine")
	_ = cmd.RegisterFlagCompletionFunc("engine",
		cobra.FixedCompletions(doctor.EngineNames(), cobra.ShellCompDirectiveNoFileComp))
	cmd.AddCommand(a.tryCmd(), a.jobCmd())
	return cmd
}

func (a *app) doctorOptions(engine string) (doctor.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return doctor.Options{}, err
	}
	return doctor.Options{
		ConfigFile: a.configPath, Programs: filepath.Dir(self), Version: version.String(),
		Trial: []string{self, "doctor", tryName}, Engine: engine,
	}, nil
}

// reportExit is the exit code of a report.
func reportExit(s doctor.Status) error {
	switch s {
	case doctor.Degraded:
		return &exitError{code: exitFailure}
	case doctor.Broken:
		return &exitError{code: exitUsage}
	}
	return nil
}

// tryCmd is started by the doctor itself, in namespaces of its own.
func (a *app) tryCmd() *cobra.Command {
	return &cobra.Command{
		Use: tryName + " DIR", Hidden: true, Args: args(1, 1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error { return doctor.Try(args[0], a.out) },
	}
}

// jobCmd is what runs in the containers of --run.
func (a *app) jobCmd() *cobra.Command {
	return &cobra.Command{
		Use: jobName + " DIR", Hidden: true, Args: args(1, 1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error { return doctor.DoJob(args[0]) },
	}
}
