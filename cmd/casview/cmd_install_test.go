package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInstallAndUninstall(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	want := []string{"/usr/local/bin/casview", "/usr/local/bin/casview-fsd", "/usr/local/bin/casview-hook", s.config,
		"/usr/share/containers/oci/hooks.d/casview-createRuntime.json", "/usr/share/containers/oci/hooks.d/casview-poststop.json"}

	if got := s.files("create", root, "install", "--root", root, "--dry-run"); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := listing(t, root); got != "" {
		t.Errorf("--dry-run wrote %s", got)
	}
	s.files("create", root, "install", "--root", root)
	for _, path := range want {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	}
	s.files("keep", root, "install", "--root", root, "--engine", "podman")

	slices.Reverse(want)
	if got := s.files("remove", root, "uninstall", "--root", root); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := listing(t, root); got != "" {
		t.Errorf("uninstall left %s", got)
	}
	s.process("uninstall", "--root", root).wantExit(t, exitOK, "uninstall: nothing to do")
}

// files calls install or uninstall and returns the paths, below root, of a plan that does the same with all of them. Lines
// of a dry run that show a file's content are left out.
func (s site) files(action, root string, args ...string) []string {
	s.t.Helper()
	o := s.process(args...)
	if o.code != 0 {
		s.t.Fatalf("exit %d: %s", o.code, o.err)
	}
	var paths []string
	for line := range strings.Lines(o.out) {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 2 || f[0] != action {
			s.t.Errorf("got %q, want %s", line, action)
			continue
		}
		paths = append(paths, strings.TrimPrefix(f[1], root))
	}
	return paths
}

func TestInstallWithTheProgramsInPlace(t *testing.T) {
	s, hooks := newSite(t), filepath.Join(t.TempDir(), "hooks.d")
	if o := s.process("install", "--hooks-dir", hooks); o.code != 0 {
		t.Fatal(o.err)
	}
	b, err := os.ReadFile(filepath.Join(hooks, "casview-poststop.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{filepath.Join(programs, "casview-hook"), s.config} {
		if !strings.Contains(string(b), `"`+want+`"`) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestInstallFailures(t *testing.T) {
	s, root := newSite(t), t.TempDir()
	theirs := filepath.Join(root, "usr/share/containers/oci/hooks.d/casview-poststop.json")
	write(t, theirs, "{}")
	s.process("install", "--root", root).wantExit(t, exitFailure, theirs)
	write(t, filepath.Join(root, s.config), "x = 1\n")
	s.process("install", "--root", root).wantExit(t, exitFailure, filepath.Join(root, s.config)+":1: ")
	// No hook lies beside the test binary.
	s.casview("install", "--root", t.TempDir()).wantExit(t, exitFailure, "is missing")
}
