package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes of formats.md. A result's codes hold for `result` and `mount`.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitPartial  = 3
	exitFailed   = 4
	exitNotEnded = 5
	exitNoRun    = 6
	// exitNoOutputs is `run`'s own: the code by which engines say that the failure is not the job's.
	exitNoOutputs = 125
)

// usageError is a wrong command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// usagef is wrong usage of cmd.
func usagef(cmd *cobra.Command, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if p := subPath(cmd); p != "" {
		text = p + ": " + text
	}
	return &usageError{fmt.Sprintf("%s: see %s --help", text, cmd.CommandPath())}
}

// subPath is the command without the program: "tree ls".
func subPath(cmd *cobra.Command) string {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	return path
}

// exitError asks for an exit code; err may be nil when everything has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit %d: %v", e.code, e.err) }

func (e *exitError) Unwrap() error { return e.err }

// report prints an error and returns the exit code.
func (a *app) report(err error) int {
	code := exitFailure
	var exit *exitError
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		code, err = exit.code, exit.err
	case errors.As(err, &usage):
		code, err = exitUsage, usage
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	if err != nil {
		a.note("%v", err)
	}
	return code
}

// oneLine keeps an error on the one line that it has; joined errors come with line breaks.
func oneLine(s string) string {
	return strings.NewReplacer("\r", `\r`, "\n", "; ").Replace(strings.TrimRight(s, "\n"))
}

// args checks the number of arguments.
func args(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return usagef(cmd, "%s given, usage is %s", arguments(len(args)), cmd.UseLine())
		}
		return nil
	}
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
