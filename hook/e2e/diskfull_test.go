package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// A job that fills the disk leaves no room to collect. The result says so, nothing that the job wrote is lost, and once
// there is room `casview-fsd collect` completes the run.
func TestDiskFullWhileCollecting(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	must(t, os.Mkdir(s.state, 0o700))
	must(t, unix.Mount("state", s.state, "tmpfs", 0, "size=48m,mode=700"))
	t.Cleanup(func() { must(t, unix.Unmount(s.state, unix.MNT_DETACH)) })
	root := s.store(t, file{path: "in", content: "in\n"})
	name := unique("full")
	const files = 3000
	o := runJob(t, r, sh(root, name, fmt.Sprintf(`
		long=%s
		mkdir many
		i=0; while [ $i -lt %d ]; do echo $i > many/$long$i; i=$((i+1)); done
		dd if=/dev/zero of=filler bs=64k 2>/dev/null || dd if=/dev/zero of=filler2 bs=512 2>/dev/null || echo full`, strings.Repeat("n", 200), files)))
	if o.stdout != "full\n" {
		t.Fatalf("the job did not fill the disk: exit %d, %q, %q", o.code, o.stdout, o.stderr)
	}
	got := s.result(t, name)
	if got.Status == result.Complete || len(got.Errors) == 0 || !strings.Contains(strings.Join(got.Errors, "\n"), "no space left") {
		t.Errorf("status %s, errors %.500q; expected that the disk is full", got.Status, got.Errors)
	}
	s.noProcesses(t)

	must(t, unix.Mount("state", s.state, "tmpfs", unix.MS_REMOUNT, "size=256m"))
	output(t, s.command("casview-fsd", "collect", "--config", s.config, name))
	got = s.complete(t, name)
	if len(got.HashedFiles) < files+2 {
		t.Errorf("%d outputs, expected at least %d", len(got.HashedFiles), files+2)
	}
	last := fmt.Sprintf("many/%s%d", strings.Repeat("n", 200), files-1)
	if entry := wantEntry(t, got, last, result.File); entry.Hash.Hex() != sha256Hex(fmt.Sprintln(files-1)) {
		t.Errorf("%s: hash %s", last, entry.Hash)
	}
	nothingLeft(t, r, name)
}

// A container can't start on a disk that is full.
func TestDiskFullAtStart(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	must(t, os.Mkdir(s.state, 0o700))
	must(t, unix.Mount("state", s.state, "tmpfs", 0, "size=8m,mode=700"))
	t.Cleanup(func() { must(t, unix.Unmount(s.state, unix.MNT_DETACH)) })
	j := sh(s.store(t, file{path: "in", content: "in\n"}), unique("fullstart"), "echo the job ran")
	_ = exec.Command("dd", "if=/dev/zero", "of="+s.state+"/filler", "bs=4k").Run()
	wantRefused(t, r, r.command(t, j), "no space left")
}

// Of a container that is refused on a full disk nothing can be remembered there; its user is told the true cause all the same.
func TestDiskFullAtStartUnderCasviewRun(t *testing.T) {
	for name, start := range map[string]func(*testing.T, setup) engine{"Runc": startPodmanRunc, "Crun": startPodmanCrun} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil).(*podman)
			s := p.place
			fullDisk(t, s)
			root := s.store(t, file{path: "in", content: "in\n"})
			name := unique("full")
			if o := run(t, p.underCasview(p.command(t, sh("", "", "true")), root, unique("before"))); o.code != 0 {
				t.Fatal(o.stderr)
			}
			_ = exec.Command("dd", "if=/dev/zero", "of="+s.state+"/filler", "bs=4k").Run()
			_ = exec.Command("dd", "if=/dev/zero", "of="+s.state+"/filler2", "bs=1k").Run()
			o := run(t, p.underCasview(p.command(t, sh("", "", "echo the job ran")), root, name))
			if o.code != 125 || o.stdout != "" {
				t.Errorf("exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
			}
			wantLine(t, o.stderr, "run "+name+": ", "state directory", "no space left on device")
			if strings.Contains(o.stderr, "casview doctor") {
				t.Errorf("it blames the installation: %q", o.stderr)
			}
			must(t, os.Remove(s.state+"/filler"))
			must(t, os.Remove(s.state+"/filler2"))
			if left := names(t, s.state); strings.Contains(strings.Join(left, " "), ".room") {
				t.Errorf("left %q", left)
			}
			s.noProcesses(t)
			if runs := names(t, filepath.Join(s.state, "runs")); len(runs) != 1 {
				t.Errorf("runs %q, expected the one before alone", runs)
			}
		})
	}
}

// fullDisk puts the state directory onto a small ext4.
func fullDisk(t *testing.T, s *site) {
	t.Helper()
	must(t, os.Mkdir(s.state, 0o700))
	image := writeFile(t, "", s.dir, "disk")
	must(t, os.Truncate(image, 8<<20))
	output(t, exec.Command("mkfs.ext4", "-q", "-m", "0", image))
	output(t, exec.Command("mount", "-o", "loop", image, s.state))
	t.Cleanup(func() { must(t, unix.Unmount(s.state, 0)) })
}
