package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A user without root names no file: casview's and podman's are found in the user's own directories, also by the hook, which
// gets none of the user's environment.
func TestRootlessHome(t *testing.T) {
	for _, c := range []struct {
		name, data string
		env        func(home string) []string
	}{
		{"Home", ".local/share/casview", func(string) []string { return nil }},
		{"XDG", "my/data/casview", func(home string) []string {
			return []string{"XDG_CONFIG_HOME=" + home + "/my/config", "XDG_DATA_HOME=" + home + "/my/data"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newRootlessSite(t, nil)
			must(t, os.Remove(s.config))
			s.config, s.state = "", filepath.Join(s.dir, c.data)
			s.env = append(s.env, c.env(s.dir)...)
			e := newPodman(t, "runc", s, func(_ *testing.T, cmd *exec.Cmd) *exec.Cmd { return cmd })
			name := unique("home")
			succeed(t, e, sh(s.store(t, file{path: "in", content: "in\n"}), name, "cat in > out"))
			wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
			if o := s.casview(t, "result", name); o.code != 0 {
				t.Errorf("casview result: exit %d: %s", o.code, o.stderr)
			}
			nothingLeft(t, e, name)
		})
	}
}
