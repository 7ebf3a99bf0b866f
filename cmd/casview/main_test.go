package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/config"
)

// site is a state directory with a configuration file.
type site struct {
	t      *testing.T
	config string
	state  string
}

// output is what one call of casview left.
type output struct {
	code     int
	out, err string
}

func newSite(t *testing.T) site {
	t.Helper()
	dir := t.TempDir()
	s := site{t: t, config: filepath.Join(dir, "config.toml"), state: filepath.Join(dir, "state")}
	c := config.Default()
	c.State = s.state
	text, err := c.TOML()
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.config, text)
	return s
}

// casview calls the program in process.
func (s site) casview(args ...string) output { return s.casviewWith("", args...) }

func (s site) casviewWith(stdin string, args ...string) output {
	s.t.Helper()
	return call(s.t.Context(), stdin, append([]string{"--config", s.config}, args...)...)
}

func call(ctx context.Context, stdin string, args ...string) output {
	var out, err bytes.Buffer
	a := &app{in: strings.NewReader(stdin), out: &out, err: &err}
	code := a.run(ctx, args)
	return output{code, out.String(), err.String()}
}

// ok fails the test unless the call succeeded without a word on stderr, and returns stdout.
func (s site) ok(args ...string) string {
	s.t.Helper()
	o := s.casview(args...)
	if o.code != 0 || o.err != "" {
		s.t.Fatalf("casview %s: exit %d\n%s", strings.Join(args, " "), o.code, o.err)
	}
	return o.out
}

// wantExit checks the code, and that there is one line on stderr which says want.
func (o output) wantExit(t *testing.T, code int, want string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit %d, want %d: %s", o.code, code, o.err)
	}
	if !strings.Contains(o.err, want) || !strings.HasPrefix(o.err, "casview: ") || strings.Count(o.err, "\n") != 1 {
		t.Errorf("stderr %q, want one line with %q", o.err, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sources is a small directory to ingest.
func sources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "src", "main.c"), "int main;\n")
	write(t, filepath.Join(dir, "empty"), "")
	write(t, filepath.Join(dir, "odd\n\xff"), "odd")
	if err := os.Symlink("main.c", filepath.Join(dir, "src", "link.c")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s site) ingest(dir string) string {
	s.t.Helper()
	return strings.TrimSpace(s.ok("ingest", dir))
}
