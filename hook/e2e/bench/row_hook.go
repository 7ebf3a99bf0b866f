package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// hookRow times casview's part of a container's start.
func hookRow() row {
	const few, many, growth = "10", "1,000,000", "growth"
	return row{
		number: 9, name: "createRuntime hook", columns: []column{overlay, fuse}, times: 3, warm: true,
		measures: []measure{
			{step: few, what: "createRuntime hook, 10 inputs", kind: absolute, limit: upTo(0.012, 0.012)},
			{step: many, what: "createRuntime hook, 1,000,000 inputs", kind: absolute, limit: upTo(0.012, 0.012)},
			{step: growth, what: "the second against the first", kind: absolute, unit: plain, limit: upTo(1.2, 1.2)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			ten, err := b.dots(ctx, 10)
			if err != nil {
				return nil, err
			}
			million, err := b.million(ctx)
			return func(ctx context.Context, c column, _ int) (values, error) {
				short, err := b.hookTime(ctx, c, ten)
				if err != nil {
					return nil, err
				}
				long, err := b.hookTime(ctx, c, million)
				return values{few: short, many: long, growth: long / short}, err
			}, err
		},
	}
}

// hookTime runs a container whose create hook is this program, which runs casview's and writes down how long that took.
func (b *bench) hookTime(ctx context.Context, c column, in *inputs) (float64, error) {
	own, err := os.Executable()
	if err != nil {
		return 0, err
	}
	file := b.path("hooktime")
	o, err := b.container(ctx, c, job{inputs: in, edit: func(spec *specs.Spec) {
		for i := range spec.Hooks.CreateRuntime {
			h := &spec.Hooks.CreateRuntime[i]
			h.Args = append([]string{filepath.Base(own), hookArg, file, h.Path}, h.Args[1:]...)
			h.Path = own
		}
	}})
	if err != nil {
		return 0, err
	}
	b.note(c, o)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return time.Duration(ns).Seconds(), err
}

// timeHook is what this program does as a hook: FILE PROGRAM ARGS. The time is from the program's start to its end, as the
// runtime would see it.
func timeHook(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("as a hook: want a file and a program, got %q", args)
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(strconv.FormatInt(took.Nanoseconds(), 10)), 0o600)
}
