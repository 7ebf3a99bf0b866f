package wrapper

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRealRuntime(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in := func(path ...string) string { return filepath.Join(append([]string{dir}, path...)...) }
	for _, d := range []string{"runc", "crun", "both", "self", "linked", "plain", "dir/runc"} {
		if err := os.MkdirAll(in(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"runc/runc", "crun/crun", "both/crun", "both/runc", "casview-runtime"} {
		if err := os.WriteFile(in(program), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in("plain/runc"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for to, link := range map[string]string{self: "self/runc", in("casview-runtime"): "linked/runc"} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name, configured string
		path             []string
		want, err        string
	}{
		{name: "the first folder", path: []string{"runc", "both"}, want: "runc/runc"},
		{name: "runc comes first", path: []string{"crun", "both"}, want: "both/runc"},
		{name: "crun alone", path: []string{"crun"}, want: "crun/crun"},
		{name: "not itself", path: []string{"self", "linked", "runc"}, want: "runc/runc"},
		{name: "only programs", path: []string{"plain", "dir", "none", "runc"}, want: "runc/runc"},
		{name: "configured", configured: in("both/crun"), path: []string{"runc"}, want: "both/crun"},
		{name: "configured, missing", configured: in("none"), path: []string{"runc"}, want: "none"},
		{name: "configured, itself", configured: in("self/runc"), err: "is casview-runtime itself"},
		{name: "configured, a copy of itself", configured: in("linked/runc"), err: "is casview-runtime itself"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var folders []string
			for _, p := range c.path {
				folders = append(folders, in(p))
			}
			got, err := realRuntime(c.configured, strings.Join(folders, ":"))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || got != in(c.want) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

// An engine without PATH gets what the usual folders have, and never a program of the working directory.
func TestRealRuntimeWithoutPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "runc"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{"", ".", ":"} {
		got, err := realRuntime("", path)
		if err == nil && !strings.HasPrefix(got, "/usr/") && !strings.HasPrefix(got, "/sbin/") && !strings.HasPrefix(got, "/bin/") {
			t.Errorf("PATH=%q: got %s", path, got)
		}
	}
}
