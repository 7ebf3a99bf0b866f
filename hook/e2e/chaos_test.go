package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
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

// A daemon that is killed at any moment of collecting: poststop goes on from what is on disk, and nothing is lost.
func TestDaemonKilledWhileCollecting(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	root := s.store(t, file{path: "in", content: "in\n"}, file{path: "gone", content: "gone\n"})
	const files = 400
	interrupted := 0
	for delay := range 12 {
		name := unique("interrupted")
		p := start(t, r.command(t, sh(root, name, fmt.Sprintf(`
			mkdir d
			i=0; while [ $i -lt %d ]; do head -c 3000 /dev/urandom > d/$i; i=$((i+1)); done
			ln d/7 linked
			rm gone
			sha256sum d/* linked`, files))))
		daemon := s.daemonOf(t, name)
		eventually(t, func() error {
			if !exists(filepath.Join(s.runDir(name), "ended.json")) {
				return errors.New("the run does not end")
			}
			return nil
		})
		time.Sleep(time.Duration(delay) * 2 * time.Millisecond)
		_ = unix.Kill(daemon.pid, unix.SIGKILL) // it may have ended
		if !exists(filepath.Join(s.runDir(name), "result.json")) {
			interrupted++
		}
		o := p.wait(t)
		got := s.complete(t, name)
		if len(got.HashedFiles) != files+2 {
			t.Errorf("killed after %d ms: %d outputs, expected %d", 2*delay, len(got.HashedFiles), files+2)
		}
		wantPaths(t, "deleted_inputs", got.DeletedInputs, "gone")
		for line := range strings.Lines(o.stdout) {
			sum, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
			if e, _ := got.HashedFiles.Find(path); e.Hash.Hex() != sum || sha256OfFile(t, s.blob(sum)) != sum {
				t.Errorf("killed after %d ms: %s is %+v, the job said %s", 2*delay, path, e, sum)
			}
		}
		// The blob that was being written stays in tmp, which is for garbage collection to sweep.
		torn, err := filepath.Glob(filepath.Join(s.state, "store/tmp", fmt.Sprintf("put-%d-*", daemon.pid)))
		must(t, err)
		for _, file := range torn {
			must(t, os.Remove(file))
		}
		nothingLeft(t, r, name)
	}
	t.Logf("%d of 12 collections were interrupted", interrupted)
}
