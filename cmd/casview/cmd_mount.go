package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/hook/daemon"
	"github.com/casview/casview/hook/hostmount"
)

func (a *app) mountCmd() *cobra.Command {
	var o hostmount.Options
	cmd := &cobra.Command{
		Use:   "mount DIGEST DIR",
		Short: "Mount a tree without a container",
		Long: `Mount the tree DIGEST at DIR, which must be there, and stay until somebody unmounts DIR or
presses Ctrl-C; then print result.json. The run is called mount-<random>.

Without --staging the view is read-only. With --staging PATH everything written goes to
PATH/upper, and at the end into the store; PATH must not hold upper or work yet.

A DIR that is busy at Ctrl-C is detached, and stays for those who are in it until they
leave; a second Ctrl-C collects at once, and the result is partial.

Mounting needs root, or a user namespace: unshare -rm, or podman unshare.

` + resultCodes,
		Example: `  casview mount $(casview ingest .) /mnt
  casview mount DIGEST /mnt --staging /var/tmp/staging | jq .hashed_files`,
		Args: args(2, 2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Inputs, err = digestArg(cmd, args[0]); err != nil {
				return err
			}
			o.Dir = args[1]
			switch {
			case o.Dir == "":
				return usagef(cmd, "DIR is empty: is a shell variable unset?")
			case o.Driver != "" && o.Driver != "auto" && o.Driver != "overlay" && o.Driver != "fuse":
				return usagef(cmd, "--driver %q: want auto, overlay or fuse", o.Driver)
			case o.Driver != "" && o.Staging == "":
				return usagef(cmd, "--driver needs --staging: a read-only view has no staging driver")
			}
			return a.mount(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Staging, "staging", "", "make the view writable, with what is written in this `PATH`")
	cmd.Flags().StringVar(&o.Driver, "driver", "", "staging `DRIVER`: auto, overlay or fuse (default: staging.driver)")
	_ = cmd.RegisterFlagCompletionFunc("driver", cobra.FixedCompletions([]string{"auto", "overlay", "fuse"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) mount(ctx context.Context, o hostmount.Options) error {
	c, err := a.checkInputs(o)
	if err != nil {
		return err
	}
	if o.FSD, err = daemon.BesideSelf(); err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	m, err := startMount(ctx, c, o, signals)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	a.note("mounted %s as run %s; unmount it or press Ctrl-C to end", m.Dir(), m.Run().Key())
	a.untilEnded(m, signals)
	if err := m.Close(); err != nil {
		return err
	}
	return a.mountResult(ctx, m, o.FSD)
}

// checkInputs finds out what a user is most likely to get wrong before anything is started.
func (a *app) checkInputs(o hostmount.Options) (config.Config, error) {
	c, s, err := a.openStore()
	if err != nil {
		return c, err
	}
	defer s.Close()
	if _, err := s.Size(o.Inputs); err != nil {
		return c, inTree(o.Inputs, "", err)
	}
	return c, nil
}

// startMount gives up at the first signal.
func startMount(ctx context.Context, c config.Config, o hostmount.Options, signals chan os.Signal) (*hostmount.Mount, error) {
	ctx, cancel := context.WithCancel(ctx)
	started := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case s := <-signals:
			cancel()
			signals <- s // for a mount that was ready in this moment
		case <-started:
		}
	}()
	m, err := hostmount.Start(ctx, c, o)
	close(started)
	<-watched
	cancel()
	return m, err
}

// untilEnded returns when the daemon has ended, by itself or asked to by signals: the first one unmounts, the next ones
// make the daemon collect what is there.
func (a *app) untilEnded(m *hostmount.Mount, signals <-chan os.Signal) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// Whether that went well, the result says.
		_ = m.Wait()
	}()
	for asked := false; ; asked = true {
		select {
		case <-ended:
			// A daemon that was killed leaves a dead mount.
			if _, err := m.Unmount(); err != nil {
				a.note("%v", err)
			}
			return
		case <-signals:
		}
		if asked {
			if err := m.Collect(); err != nil {
				a.note("%v", err)
			}
			continue
		}
		busy, err := m.Unmount()
		switch {
		case err != nil:
			a.note("%v", err)
		case busy:
			a.note("%s is busy: it is detached, and ends when the last process has left it; Ctrl-C collects what is there", m.Dir())
		}
	}
}

// mountResult prints the result, which it makes itself if the daemon died without one.
func (a *app) mountResult(ctx context.Context, m *hostmount.Mount, fsd string) error {
	run := m.Run()
	b, err := os.ReadFile(run.ResultPath())
	if errors.Is(err, fs.ErrNotExist) {
		if err := daemon.Collect(ctx, fsd, run, false); err != nil {
			return &exitError{exitNotEnded, fmt.Errorf("run %s has no result: %w", run.Key(), err)}
		}
		b, err = os.ReadFile(run.ResultPath())
	}
	if err != nil {
		return err
	}
	if _, err := a.out.Write(b); err != nil {
		return err
	}
	return a.explain(b)
}

// explain says on stderr why a result is not complete, and asks for its exit code.
func (a *app) explain(b []byte) error {
	exit := resultExit(b)
	if exit == nil {
		return nil
	}
	if r, err := result.Decode(bytes.NewReader(b)); err == nil {
		a.note("the result is %s: %s", r.Status, firstOf(r.Errors))
	}
	return exit
}
