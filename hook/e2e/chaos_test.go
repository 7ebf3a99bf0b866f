package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// A create hook that is killed at any moment: the container ran on its view or not at all, no process and no mount stays,
// and what stays on disk is a whole run or none and is in nobody's way. (A hook that ends by itself cleans up; a killed one
// can't.)
func TestCreateKilledAtAnyMoment(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	root := s.store(t, file{path: "in", content: "in\n"})
	name := unique("killed")
	ran := 0
	for ms := 1; ms <= 40; ms += 2 {
		j := sh(root, name, "cat in; echo out > out")
		j.edit = func(s *specs.Spec) {
			for i := range s.Hooks.CreateRuntime {
				h := &s.Hooks.CreateRuntime[i]
				h.Args = append([]string{"timeout", "--signal", "KILL", fmt.Sprintf("0.%03d", ms), h.Path}, h.Args[1:]...)
				h.Path = find(t, "timeout")
			}
		}
		o := runJob(t, r, j)
		s.noProcesses(t)
		s.noMounts(t)
		if o.code == 0 && o.stdout == "in\n" {
			ran++
			wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		} else if o.stdout != "" {
			t.Errorf("killed after %d ms: exit %d, %q, %q", ms, o.code, o.stdout, o.stderr)
		}
		for _, run := range names(t, filepath.Join(s.state, "runs")) {
			if !strings.HasPrefix(run, ".") && !exists(filepath.Join(s.runDir(run), "run.json")) {
				t.Errorf("killed after %d ms: half of run %s is left: %q", ms, run, names(t, s.runDir(run)))
			}
		}
	}
	t.Logf("%d of 20 containers ran", ran)
	succeed(t, r, sh(root, name, "cat in; echo last > last"))
	wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "last")
}
