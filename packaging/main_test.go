// Package packaging holds how casview is packaged for systems; its tests install the packages.
package packaging

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// debian lets the tests set up whole Debian systems, from the mirror that this host uses: `make test-dist`.
var debian = flag.Bool("debian", false, "install the packages in Debian systems made with debootstrap")

// programs are what the packages hold, by the Makefile.
func programs(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../Makefile")
	must(t, err)
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == "PROGRAMS" {
			return strings.Fields(value)
		}
	}
	t.Fatal("the Makefile has no PROGRAMS")
	return nil
}

// build makes a release and returns its folder. only is what to build of it: "deb rpm tar image".
func build(t *testing.T, version, only string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "dist")
	cmd := exec.Command("make", "-C", "..", "dist", "DIST="+out, "VERSION="+version)
	cmd.Env = append(os.Environ(), "ONLY="+only)
	output(t, cmd)
	return out
}

func sums(t *testing.T, dist string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	must(t, err)
	return string(b)
}

// one finds the file of a release that matches.
func one(t *testing.T, pattern ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(pattern...))
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("%q: %d files %q, expected one", pattern, len(found), found)
	}
	return found[0]
}

// output runs a command that must succeed, and returns its stdout without the last newline.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	stdout, stderr, err := capture(cmd)
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, stdout, stderr)
	}
	return strings.TrimSuffix(stdout, "\n")
}

func capture(cmd *exec.Cmd) (stdout, stderr string, err error) {
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	return string(out), errs.String(), err
}

func need(t *testing.T, tools ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: packages are installed into a root folder")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing: make setup installs it", tool)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exists(path ...string) bool {
	_, err := os.Lstat(filepath.Join(path...))
	return !errors.Is(err, os.ErrNotExist)
}
