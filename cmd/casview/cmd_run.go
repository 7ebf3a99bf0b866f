package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/enginecmd"
)

// runOptions are the options of `casview run`.
type runOptions struct {
	inputs  string
	request requestFlags
	timeout time.Duration
}

func (a *app) runCmd() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run --inputs DIGEST|DIR -- COMMAND...",
		Short: "Run a container on a view and wait for its outputs",
		Long: `Ask for a view in an engine's command, run it, and wait for the result of that very run.
The engine must have casview's hook: see casview install.

COMMAND is podman, docker, nerdctl or ctr with "run" or "container run", with any global
options before it. It gets annotations; docker, nerdctl and ctr also get the option that
names casview-runtime, unless COMMAND names a runtime. Docker before 24 has no annotations
and gets variables, which policy.accept_env must allow. All other options stay. stdin,
stdout and stderr are COMMAND's, and so is the terminal. The path of result.json goes to
stderr.

--inputs is a root digest, or a directory that is ingested first. (A directory that looks
like a digest is written ./NAME.) Without --run the run gets a random name. A finished
run of the same name is moved aside.

With -d the container is waited for all the same. One that is to be removed then (--rm) is
removed by casview run, which needs its exit code first.

Ctrl-C and SIGTERM go to COMMAND, and the result is waited for. Ctrl-C a second time, or
after COMMAND has ended, gives up waiting.

Exit code: the job's, or 125 if the outputs are not complete, or if the container did not
run on the view; the engine's own where it failed before it started a container. 2 is wrong
usage of casview.`,
		Example: `  casview run --inputs . -- podman run --rm IMAGE make
  casview run --inputs $root --run build-17 --output 'bin/**' -- podman run --rm -it IMAGE sh`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runJob(cmd, o, args)
		},
	}
	cmd.Flags().SetInterspersed(false) // everything from COMMAND on is the engine's
	cmd.Flags().StringVar(&o.inputs, "inputs", "", "root digest, or a directory to ingest: `DIGEST|DIR`")
	o.request.register(cmd)
	cmd.Flags().DurationVar(&o.timeout, "timeout", 0, "wait at most this `TIME` for the result once COMMAND has ended (default: collect.timeout)")
	return cmd
}

func (a *app) runJob(cmd *cobra.Command, o runOptions, argv []string) error {
	if o.inputs == "" {
		return usagef(cmd, "--inputs is missing")
	}
	if o.timeout < 0 {
		return usagef(cmd, "--timeout %s: want a time above 0", o.timeout)
	}
	engine, err := enginecmd.Parse(argv)
	if err != nil {
		return usagef(cmd, "%v", err)
	}
	if err := o.request.check(cmd); err != nil {
		return err
	}
	if engine.Help() {
		err = job{app: a, engine: engine}.help(cmd.Context())
	} else {
		err = a.startJob(cmd.Context(), o, engine)
	}
	var exit *exitError
	if errors.Is(err, context.Canceled) {
		return &exitError{exitNoOutputs, errors.New("run: interrupted")}
	}
	if err != nil && !errors.As(err, &exit) {
		return &exitError{exitNoOutputs, fmt.Errorf("run: %w", err)}
	}
	return err
}

func (a *app) startJob(ctx context.Context, o runOptions, engine enginecmd.Command) error {
	c, s, err := a.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := o.request.allowed(c); err != nil {
		return err
	}
	root, err := a.inputsRoot(ctx, c, s, o.inputs)
	if err != nil {
		return err
	}
	annotations, name, err := o.request.annotations(root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "casview-run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	engine, err = engine.Prepare(ctx, enginecmd.Request{
		Annotations: annotations, AcceptEnv: c.Policy.AcceptEnv, Runtime: runtimeProgram(), TraceFile: filepath.Join(dir, "container"),
	})
	if err != nil {
		return err
	}
	if o.timeout == 0 {
		o.timeout = c.Collect.Timeout.Duration
	}
	j := job{app: a, name: name, engine: engine, state: c.State, timeout: o.timeout}
	return j.run(ctx)
}

// runtimeProgram is the path of casview-runtime, which is installed beside casview; "" if it is not.
func runtimeProgram() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	path := filepath.Join(filepath.Dir(self), "casview-runtime")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// inputsRoot is the digest itself, which must be in the store, or that of the directory.
func (a *app) inputsRoot(ctx context.Context, c config.Config, s *cas.Local, inputs string) (cas.Digest, error) {
	d, _, err := digest.ParseSize(inputs)
	if err == nil {
		if _, err := s.Size(d); err != nil {
			return d, inTree(d, "", err)
		}
		return d, nil
	}
	switch fi, statErr := os.Stat(inputs); {
	case statErr != nil && filepath.Base(inputs) != inputs:
		return d, fmt.Errorf("--inputs %s: neither a directory nor a digest: %w", inputs, statErr)
	case statErr != nil:
		return d, fmt.Errorf("--inputs %s: neither a directory nor a digest: %w", inputs, errors.Join(statErr, err))
	case !fi.IsDir():
		return d, fmt.Errorf("--inputs %s: is not a directory: name the one that holds the inputs, or a root digest", inputs)
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	r, err := a.ingest(ctx, c, s, filepath.Clean(inputs), nil)
	return r.Root, err
}
