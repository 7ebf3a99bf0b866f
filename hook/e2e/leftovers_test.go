package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// proc is a process of the host.
type proc struct {
	pid, uid int
	exe      string
	args     []string
	state    string
}

// processes lists all processes; those that end meanwhile are left out.
func processes() []proc {
	var all []proc
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
		exe, _ := os.Readlink(filepath.Join(dir, "exe"))
		p := proc{pid: pid, uid: int(info.Sys().(*syscall.Stat_t).Uid), exe: strings.TrimSuffix(exe, " (deleted)")}
		p.args = strings.Split(string(bytes.TrimSuffix(cmdline, []byte{0})), "\x00")
		if _, after, ok := strings.Cut(string(stat), ") "); ok {
			p.state = after[:1]
		}
		all = append(all, p)
	}
	return all
}

// daemonOf finds the daemon of a run.
func (s *site) daemonOf(t *testing.T, run string) proc {
	t.Helper()
	var found proc
	eventually(t, func() error {
		for _, p := range processes() {
			if p.exe == filepath.Join(shared.bin, "casview-fsd") && slices.Contains(p.args, s.runDir(run)) {
				found = p
				return nil
			}
		}
		return fmt.Errorf("run %s has no daemon", run)
	})
	return found
}

// noProcesses fails the test when one of casview's programs still works for the site.
func (s *site) noProcesses(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		for _, p := range processes() {
			if filepath.Dir(p.exe) == shared.bin && strings.Contains(strings.Join(p.args, " "), s.dir) {
				return fmt.Errorf("left behind: process %d %q", p.pid, p.args)
			}
		}
		return nil
	})
}

// noMounts fails the test when a view of any of the site's runs is still mounted somewhere.
func (s *site) noMounts(t *testing.T) {
	t.Helper()
	var sources []string
	for _, run := range names(t, filepath.Join(s.state, "runs")) {
		if strings.HasPrefix(run, ".") {
			continue // not a run yet
		}
		sources = append(sources, s.open(t, run).Spec().MountSource())
	}
	eventually(t, func() error {
		left := mountsIn(func(line string) bool {
			return slices.ContainsFunc(sources, func(source string) bool { return strings.Contains(line, source) })
		})
		if left != nil {
			return fmt.Errorf("left behind: mounts %q", left)
		}
		return nil
	})
}

// mountsIn lists the mounts of all namespaces for which match is true, as "pid: line".
func mountsIn(match func(line string) bool) []string {
	var found []string
	seen := map[string]bool{}
	for _, p := range processes() {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", p.pid))
		if err != nil || seen[ns] {
			continue
		}
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", p.pid))
		if err != nil || len(b) == 0 {
			continue
		}
		seen[ns] = true
		for line := range strings.Lines(string(b)) {
			if match(line) {
				found = append(found, fmt.Sprintf("%d: %s", p.pid, strings.TrimSpace(line)))
			}
		}
	}
	return found
}

// keptFiles are what an ended run leaves in its directory.
var keptFiles = []string{"attach.json", "ended.json", "lock", "log", "marker.json", "result.json", "run.json", "view.json"}

// nothingLeft fails the test unless all that an ended run left is its result. A run that is not complete keeps its
// staging tree as well.
func nothingLeft(t *testing.T, e engine, run string) {
	t.Helper()
	s := e.site()
	spec := s.open(t, run).Spec()
	s.noProcesses(t)
	eventually(t, func() error {
		if _, err := os.Lstat(filepath.Join(s.state, "containers", string(rundir.KeyOfContainer(spec.Container)))); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("left behind: the container's entry (%v)", err)
		}
		if _, err := os.Lstat(filepath.Join(e.rootfs(), spec.Target)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("left behind: %s in the root filesystem (%v)", spec.Target, err)
		}
		if exists(filepath.Join(e.rootfs(), ".casview")) {
			return errors.New("left behind: /.casview in the root filesystem")
		}
		return nil
	})
	for _, f := range names(t, s.runDir(run)) {
		if s.result(t, run).Status == result.Complete && !slices.Contains(keptFiles, f) {
			t.Errorf("left behind: %s in the run's directory", f)
		}
	}
	s.onlyStateFiles(t)
}

// onlyStateFiles fails the test when the state directory holds something that has no business there.
func (s *site) onlyStateFiles(t *testing.T) {
	t.Helper()
	for _, name := range names(t, s.state) {
		if !slices.Contains([]string{"store", "runs", "containers", "refused", "rootfs.lock", "begin.lock", "spec-dirs"}, name) {
			t.Errorf("left behind: %s in the state directory", name)
		}
	}
	for _, name := range names(t, filepath.Join(s.state, "store", "tmp")) {
		t.Errorf("left behind: %s in the store's tmp", name)
	}
	for _, name := range names(t, filepath.Join(s.state, "runs")) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("left behind: %s in the runs", name)
		}
	}
}

// noRuns fails the test unless a container that was refused left nothing at all.
func (s *site) noRuns(t *testing.T) {
	t.Helper()
	s.noProcesses(t)
	for _, dir := range []string{"runs", "containers"} {
		if left := names(t, filepath.Join(s.state, dir)); len(left) != 0 {
			t.Errorf("left behind: %q in %s", left, dir)
		}
	}
}

// names lists a directory; a missing one is empty.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// nothingLeftAtAll is the last word after all tests: no process of ours, and nothing mounted below our directory.
func nothingLeftAtAll() error {
	var errs []error
	for _, p := range processes() {
		if filepath.Dir(p.exe) == shared.bin {
			errs = append(errs, fmt.Errorf("left behind: process %d %q", p.pid, p.args))
		}
	}
	for _, m := range mountsIn(func(line string) bool { return strings.Contains(line, shared.dir+"/") }) {
		errs = append(errs, fmt.Errorf("left behind: mount %s", m))
	}
	return errors.Join(errs...)
}
