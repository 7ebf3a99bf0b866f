package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/hook/e2e/posix"
)

// What a job has closed is in the staging tree. The fuse driver's daemon dies under a job that writes one file after the
// other: every file that was closed before is in the result as it was written.
func TestDaemonKilledWhileTheJobWrites(t *testing.T) {
	for _, way := range []staging{onFUSE, onPassthrough} {
		t.Run(way.name, func(t *testing.T) {
			e := way.start(t, startRunc)
			s := e.site()
			root := s.store(t, file{path: "in", content: "in\n"})
			for _, files := range []int{1, 30, 60, 90} {
				j := writing(root, "exec /job/posix.test "+posix.WriteFiles)
				p := start(t, e.command(t, j))
				daemon := s.daemonOf(t, j.run)
				eventually(t, func() error {
					if n := len(closedFiles(p.stdout.String())); n < files {
						return fmt.Errorf("%d files are closed, stderr %q", n, p.stderr.String())
					}
					return nil
				})
				must(t, unix.Kill(daemon.pid, unix.SIGKILL))
				o := p.wait(t)
				if !gone(o) {
					t.Errorf("the job ended with %d, %q; expected that its files are gone", o.code, o.stderr)
				}
				got := s.result(t, j.run)
				if got.Status != result.Partial || !strings.Contains(strings.Join(got.Errors, "\n"), "the daemon died") {
					t.Errorf("status %s, errors %q; expected a partial result, since the daemon died", got.Status, got.Errors)
				}
				wantClosed(t, s, got, closedFiles(o.stdout))
				nothingLeft(t, e, j.run)
			}
		})
	}
}

// A job that fills the disk is told by write(2), and goes on once it has made room. What it closed before is
// whole.
func TestJobFillsTheDisk(t *testing.T) {
	for _, way := range []staging{onOverlay, onFUSE, onPassthrough} {
		t.Run(way.name, func(t *testing.T) {
			e := way.start(t, startRunc)
			s := e.site()
			must(t, os.Mkdir(s.state, 0o700))
			must(t, unix.Mount("state", s.state, "tmpfs", 0, "size=48m,mode=700"))
			t.Cleanup(func() { must(t, unix.Unmount(s.state, unix.MNT_DETACH)) })
			j := writing(s.store(t, file{path: "in", content: "in\n"}), `
				head -c 4000000 /dev/zero > room
				/job/posix.test `+posix.WriteFiles+` && exit 1
				rm room
				# Its room is there when the kernel has told the daemon that nobody has it open.
				tries=0
				while [ $(stat -f -c %a .) -lt 500 ]; do tries=$((tries+1)); test $tries -lt 100; sleep 0.05; done
				echo more >> in
				echo after > after`)
			o := succeed(t, e, j)
			if !strings.Contains(o.stderr, unix.ENOSPC.Error()) {
				t.Errorf("the job was told %q", o.stderr)
			}
			closed := closedFiles(o.stdout)
			got := s.complete(t, j.run)
			if len(closed) < 100 {
				t.Errorf("%d files were closed", len(closed))
			}
			wantClosed(t, s, got, closed)
			wantInResult(t, s, got, "in", want{kind: result.File, content: "in\nmore\n"})
			wantInResult(t, s, got, "after", want{kind: result.File, content: "after\n"})
			nothingLeft(t, e, j.run)
		})
	}
}

// writing is a job that may call /job/posix.test.
func writing(inputs, script string) job {
	j := sh(inputs, unique("writing"), script)
	j.binds = []bind{{shared.bin, "/job"}}
	return j
}

// closedFiles are the whole lines of what a writing job has printed.
func closedFiles(stdout string) []string {
	lines := strings.Split(stdout, "\n")
	return lines[:len(lines)-1]
}

// gone says whether a job ended because there was nobody to serve its files.
func gone(o outcome) bool {
	for _, e := range []error{unix.ENOTCONN, unix.ECONNABORTED, unix.EIO} {
		if strings.Contains(o.stderr, e.Error()) {
			return o.code == 1
		}
	}
	return false
}

// wantClosed requires that files of which the job said that they are closed are in the result and in the store.
func wantClosed(t *testing.T, s *site, got *result.Result, closed []string) {
	t.Helper()
	for n, name := range closed {
		if name != posix.FileName(n) {
			t.Fatalf("the job closed %q, expected %q", name, posix.FileName(n))
		}
		content := string(posix.FileContent(n))
		wantInResult(t, s, got, name, want{kind: result.File, content: content})
		if b, err := os.ReadFile(s.blob(sha256Hex(content))); err != nil || string(b) != content {
			t.Errorf("%s: %d bytes in the store (%v), expected %d", name, len(b), err, len(content))
		}
	}
}
