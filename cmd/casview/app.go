package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cmd/internal/version"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
)

// app is one call of casview: its streams and the options that every command has.
type app struct {
	in         io.Reader
	out, err   io.Writer
	configPath string
}

// run executes one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCmd()
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	return a.report(root.ExecuteContext(ctx))
}

func (a *app) rootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "casview",
		Short: "Run container jobs on exactly the files that they declare",
		Long: `casview gives a container a file tree made of exactly the files its job declared,
each named by path and content hash, and turns what the job writes into a hashed
manifest when the container stops.`,
		Example: `  root=$(casview ingest .)
  casview run --inputs $root --run build-17 -- podman run --rm IMAGE make
  casview materialize build-17 out/`,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "configuration `FILE` (default "+config.DefaultPath()+")")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usagef(cmd, "%v", err) })
	root.AddCommand(
		a.ingestCmd(), a.treeCmd(), a.catCmd(),
		a.runCmd(), a.specCmd(), a.cdiCmd(), a.mountCmd(),
		a.resultCmd(), a.materializeCmd(), a.stagedCmd(), a.psCmd(), a.recoverCmd(), a.gcCmd(),
		a.installCmd(), a.uninstallCmd(), a.doctorCmd(), a.configCmd(), a.versionCmd(),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("")
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			strictCompletion(cmd)
		case "help":
			cmd.Args = knownTopic
		}
	}
	return group(root)
}

// strictCompletion makes wrong use of cobra's own command as wrong as that of ours.
func strictCompletion(cmd *cobra.Command) {
	for _, shell := range group(cmd).Commands() {
		shell.Args = args(0, 0)
	}
}

// knownTopic is for `casview help TOPIC`, which by itself takes any topic.
func knownTopic(cmd *cobra.Command, topic []string) error {
	found, rest, err := cmd.Root().Find(topic)
	if err == nil && len(rest) > 0 {
		err = unknownCommand(found, rest[0])
	}
	return err
}

// group makes cmd a command that only has commands below it: alone it prints its help, and a typing error is wrong usage.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownCommand(cmd, args[0])
	}
	return cmd
}

func unknownCommand(below *cobra.Command, name string) error {
	hint := fmt.Sprintf("see %s --help", below.CommandPath())
	if similar := below.SuggestionsFor(name); len(similar) > 0 {
		hint = fmt.Sprintf("did you mean %s?", strings.Join(similar, " or "))
	}
	return &usageError{fmt.Sprintf("unknown command %q: %s", strings.TrimSpace(subPath(below)+" "+name), hint)}
}

func (a *app) config() (config.Config, error) { return config.Load(a.configPath) }

// openStore opens the configured store; the caller closes it.
func (a *app) openStore() (config.Config, *cas.Local, error) {
	c, err := a.config()
	if err != nil {
		return c, nil, err
	}
	s, err := openStore(storeDir(c), c.Store.Digest)
	return c, s, err
}

func storeDir(c config.Config) string { return filepath.Join(c.State, "store") }

func openStore(dir, algorithm string) (*cas.Local, error) {
	a, err := digest.ParseAlgorithm(algorithm)
	if err != nil {
		return nil, err
	}
	return cas.OpenLocal(dir, a)
}

func (a *app) openRuns() (config.Config, *rundir.Runs, error) {
	c, err := a.config()
	if err != nil {
		return c, nil, err
	}
	runs, err := rundir.OpenRuns(c.State)
	return c, runs, err
}

// note prints one line for people.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.err, "casview: %s\n", oneLine(fmt.Sprintf(format, args...)))
}
