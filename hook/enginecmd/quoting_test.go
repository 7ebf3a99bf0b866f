package enginecmd

import (
	"os"
	"path/filepath"
	"testing"
)

// fakeEngine is a podman that prints one line as the help of --annotation.
func fakeEngine(t *testing.T, help string) Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "podman")
	script := "#!/bin/sh\n[ \"$*\" = 'run --help' ] || exit 1\ncat <<'END'\nOptions:\n" + help + "\nEND\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := Parse([]string{path, "run", "img"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestQuotingIsAskedFromTheEngine(t *testing.T) {
	cases := []struct {
		help string
		want Quoting
	}{
		{"      --annotation strings     Add annotations to container (key=value)", CSV},
		{"      --annotation stringArray     Add annotations to container (key=value)", Plain},
		{"      --annotation map     Add an annotation to the container", Plain},
		{"      --rm", Plain},
	}
	for _, c := range cases {
		if got := fakeEngine(t, c.help).quoting(t.Context()); got != c.want {
			t.Errorf("%q: got %v", c.help, got)
		}
	}
}

func TestQuotingOfAMissingEngine(t *testing.T) {
	c, err := Parse([]string{"/nowhere/podman", "run", "img"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.quoting(t.Context()); got != Plain {
		t.Errorf("got %v", got)
	}
}

func TestNeedsQuoting(t *testing.T) {
	for value, want := range map[string]bool{"sha256:00": false, "/workspace": false, `["a"]`: true, "a,b": true} {
		if got := needsQuoting([]Annotation{{"k", "x"}, {"k", value}}); got != want {
			t.Errorf("%q: got %t", value, got)
		}
	}
}
