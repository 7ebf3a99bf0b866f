package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// installation is a state directory of casview, with a configuration for each way to stage.
type installation struct {
	site  *site
	dir   string
	state string
}

// install makes one; name is a new directory in the site.
func (s *site) install(ctx context.Context, name string) (*installation, error) {
	i := &installation{site: s, dir: s.path(name), state: filepath.Join(s.path(name), "state")}
	if err := os.Mkdir(i.dir, 0o755); err != nil {
		return nil, err
	}
	for _, c := range []column{overlay, fuse, passthrough} {
		text := fmt.Sprintf("state = %q\n[staging]\ndriver = %q\ndata = %q\n", i.state, c.driver, c.data)
		if err := os.WriteFile(i.config(c), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	_, err := i.casview(ctx, "config", "check")
	return i, err
}

func (i *installation) config(c column) string { return filepath.Join(i.dir, c.name+".toml") }

func (i *installation) remove() error { return os.RemoveAll(i.dir) }

// command is a call of casview where the way to stage does not matter.
func (i *installation) command(ctx context.Context, args ...string) *exec.Cmd {
	return i.commandFor(ctx, overlay, args...)
}

func (i *installation) commandFor(ctx context.Context, c column, args ...string) *exec.Cmd {
	args = append([]string{"--config", i.config(c)}, args...)
	return exec.CommandContext(ctx, filepath.Join(i.site.programs, "casview"), args...)
}

// casview returns what one call prints.
func (i *installation) casview(ctx context.Context, args ...string) (string, error) {
	return output(i.command(ctx, args...))
}
