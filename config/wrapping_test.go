package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadWrapping(t *testing.T) {
	cases := []struct {
		name, text string
		path       string
		env        bool
		err        string
	}{
		{name: "default", text: DefaultTOML()},
		{name: "set", text: "[runtime]\npath = \"/usr/bin/crun\"\n[policy]\naccept_env = true\n", path: "/usr/bin/crun", env: true},
		{name: "mistakes elsewhere", text: "x = 1\n[log]\nlevel = 3\n[policy]\nmax_inputs = \"many\"\naccept_env = true\n", env: true},
		{name: "no TOML", text: "[runtime\n", err: ":2: "},
		{name: "wrong type", text: "[policy]\naccept_env = \"yes\"\n", err: "accept_env"},
		{name: "relative", text: "[policy]\naccept_env = true\n[runtime]\npath = \"crun\"\n", err: "runtime.path: "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text)
			w, err := LoadWrapping(path)
			if (c.err == "") != (err == nil) || err != nil && (!strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if w.Runtime.Path != c.path || w.Policy.AcceptEnv != c.env {
				t.Errorf("got %+v", w)
			}
		})
	}
}

func TestLoadWrappingMissingFile(t *testing.T) {
	if _, err := LoadWrapping(filepath.Join(t.TempDir(), "none.toml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a named file that is missing: %v", err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	if !thisHost().isRoot() { // root's is the host's own
		if w, err := LoadWrapping(""); err != nil || w != (Wrapping{}) {
			t.Errorf("no file at the default path: %+v, %v", w, err)
		}
	}
}
