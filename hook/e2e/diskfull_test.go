package e2e

import (
	"fmt"
	"os"
	"os/exec"
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
