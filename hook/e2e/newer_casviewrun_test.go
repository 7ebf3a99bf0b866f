//go:build engines

package e2e

import (
	"strings"
	"testing"
)

func TestNewerCasviewRunCtr(t *testing.T) {
	newerFirst(t)
	TestCasviewRunCtr(t)
}

// Docker since 24 gets annotations, which no configuration has to allow.
func TestNewerCasviewRunDocker(t *testing.T) {
	newerFirst(t)
	d := startNewerDocker(t, nil).(*docker)
	s := d.place
	root := s.store(t, file{path: "in", content: "in\n"})
	t.Run("Attached", func(t *testing.T) {
		name := unique("docker")
		o := run(t, d.underCasview(root, name, "cat in; cp in out; env | grep CASVIEW_ && exit 1; exit 7", "--rm"))
		if o.code != 7 || o.stdout != "in\n" {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, d, name)
	})
	t.Run("Detached", func(t *testing.T) {
		name := unique("docker")
		o := run(t, d.underCasview(root, name, "sleep 0.3; cp in out; exit 7", "-d", "--rm"))
		if o.code != 7 || len(strings.TrimSpace(o.stdout)) != 64 {
			t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, d, name)
	})
	t.Run("AnotherRuntime", func(t *testing.T) {
		o := run(t, d.underCasview(root, unique("docker"), "true", "--rm", "--runtime", "runc"))
		if o.code != 125 {
			t.Errorf("exit %d, stderr %q", o.code, o.stderr)
		}
	})
	if left := d.containers(t); left != "" {
		t.Errorf("containers left: %q", left)
	}
}
