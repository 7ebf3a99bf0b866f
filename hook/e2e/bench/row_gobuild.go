package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// goBuildRow builds Go programs: the toolchain, the standard library and the sources are inputs, and so is nothing of the
// build cache.
func goBuildRow() row {
	return row{
		number: 1, name: "Go build", columns: drivers(), peers: true,
		measures: []measure{
			{step: "gofmt", what: "go build cmd/gofmt, GOROOT as input, empty GOCACHE", limit: upTo(1.05, 1.15)},
			{step: "casview", what: "go build of casview's hook after it", limit: upTo(1.05, 1.15)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			in, err := b.tree(ctx, "go", b.fillGo)
			build := func(step, dir, out, pkg string) inside.Task {
				return inside.Task{Command: &inside.Command{Step: step, Dir: dir, Args: []string{
					target + "/go/bin/go", "build", "-trimpath", "-buildvcs=false", "-o", target + "/out/" + out, pkg,
				}}}
			}
			return b.inContainers(job{inputs: in, env: goEnvironment(), tasks: []inside.Task{
				build("gofmt", target, "gofmt", "cmd/gofmt"),
				build("casview", target+"/casview", "casview-hook", "./cmd/casview-hook"),
				{Command: &inside.Command{Args: []string{"out/gofmt", "-l", "casview/cmd"}, Want: new(string)}},
				{Command: &inside.Command{Args: []string{"out/casview-hook", "--version"}}},
			}}), err
		},
	}
}

func goEnvironment() []string {
	return []string{
		"GOROOT=" + target + "/go", "GOCACHE=" + target + "/cache", "GOTOOLCHAIN=local", "GOPROXY=off", "GOFLAGS=",
		"CGO_ENABLED=0",
	}
}

// fillGo makes the directories go, the toolchain, and casview, its sources with those of all modules that they need.
func (b *bench) fillGo(ctx context.Context, dir string) error {
	goroot, err := output(exec.CommandContext(ctx, "go", "env", "GOROOT"))
	if err != nil {
		return err
	}
	if err := copyOf(ctx, goroot, filepath.Join(dir, "go"), "bin", "go.env", "lib", "pkg", "src", "VERSION"); err != nil {
		return err
	}
	sources := filepath.Join(dir, "casview")
	err = copyOf(ctx, b.source, sources, "cas", "cmd", "config", "examples", "fsd", "hook", "go.mod", "go.sum")
	if err != nil {
		return err
	}
	vendor := exec.CommandContext(ctx, "go", "mod", "vendor", "-o", filepath.Join(sources, "vendor"))
	vendor.Dir = b.source
	_, err = output(vendor)
	return errors.Join(err, os.Mkdir(filepath.Join(dir, outputDir), 0o755))
}

// copyOf copies some entries of a directory to a new one.
func copyOf(ctx context.Context, from, to string, names ...string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	args := []string{"-a", "-t", to}
	for _, name := range names {
		args = append(args, filepath.Join(from, name))
	}
	_, err := output(exec.CommandContext(ctx, "cp", args...))
	return err
}
