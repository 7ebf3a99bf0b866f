//go:build !mandoc

// Command casview is the command line interface: it fills the store, starts jobs on views, and looks at their results.
// Each command is one file, cmd_<verb>.go.
package main

import (
	"context"
	"os"
)

func main() {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(a.run(context.Background(), os.Args[1:]))
}
