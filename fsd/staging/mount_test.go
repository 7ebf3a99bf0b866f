package staging

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/view"
)

// rootDir is what the view's root looks like. Its year is 2300, which nanoseconds in 64 bits can't hold.
var rootDir = tree.Entry{Kind: tree.Dir, Mode: 0o1751, MtimeSec: 10413792000, MtimeNsec: 123456789}

const rootMtime = "10413792000.123456789"

// newRequest is a view with a few inputs and a staging tree below dir, which is made if it is missing.
func newRequest(t *testing.T, dir string) Request {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
	return requestWithoutFUSE(t, dir)
}

func requestWithoutFUSE(t *testing.T, dir string) Request {
	t.Helper()
	store, err := cas.OpenLocal(filepath.Join(t.TempDir(), "store"), cas.SHA256)
	must(t, err)
	t.Cleanup(func() { store.Close() })
	v, err := view.New(store, inputs(t, store), nil, view.Options{})
	must(t, err)
	return Request{
		View: v, Upper: filepath.Join(dir, "upper"), Work: filepath.Join(dir, "work"),
		Source: "casview:" + rundir.NewNonce(), Logger: slog.New(slog.DiscardHandler),
	}
}

func inputs(t *testing.T, store *cas.Local) cas.Digest {
	t.Helper()
	b := tree.NewBuilder(store)
	must(t, b.Add("", rootDir))
	for _, name := range []string{"file", "dir/a", "dir/sub/b"} {
		d, err := store.PutBytes([]byte(name))
		must(t, err)
		must(t, b.Add(name, tree.Entry{Kind: tree.File, Digest: d, Size: int64(len(name)), Mode: 0o644}))
	}
	root, _, err := b.Finish()
	must(t, err)
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// session mounts with a driver. In the end nothing of it may be left but the staging tree.
func session(t *testing.T, d Driver, r Request) *Session {
	t.Helper()
	s, err := d.Mount(r)
	must(t, err)
	t.Cleanup(func() {
		s.Mount.Close()
		ends(t, s)
		nowhere(t, r.Source)
	})
	return s
}

// ends waits until the kernel has ended the FUSE connection.
func ends(t *testing.T, s *Session) {
	t.Helper()
	ended := make(chan struct{})
	go func() { s.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the FUSE connection does not end")
	}
}

func running(s *Session) bool {
	ended := make(chan struct{})
	go func() { s.Wait(); close(ended) }()
	select {
	case <-ended:
		return false
	case <-time.After(50 * time.Millisecond):
		return true
	}
}

// nowhere requires that no thread of any process sees the mount.
func nowhere(t *testing.T, source string) {
	t.Helper()
	if seen := whoSees(source); len(seen) > 0 {
		t.Errorf("still mounted: %v", seen)
	}
}

// whoSees returns the mountinfo files of all threads in which a mount source stands.
func whoSees(source string) []string {
	tables, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*/mountinfo")
	return slices.DeleteFunc(tables, func(table string) bool {
		b, err := os.ReadFile(table)
		return err != nil || !bytes.Contains(b, []byte(" "+source+" "))
	})
}

// job runs a script on the mount, in a mount namespace of its own, and returns what it prints. The mount goes with that
// namespace, so a session has one job.
func job(t *testing.T, s *Session, script string) string {
	t.Helper()
	cmd := jobCommand(t, s, script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, &stderr)
	}
	return string(out)
}

func jobCommand(t *testing.T, s *Session, script string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "do-attach", t.TempDir(), script)
	cmd.Env = append(environment(), "SELF="+self)
	cmd.ExtraFiles = []*os.File{s.Mount}
	cmd.SysProcAttr = mountNamespace()
	return cmd
}

// options are what mountinfo says of a mount.
type options struct {
	fstype       string
	mount, super []string
}

// readMountinfo takes the mount's line from what `cat /proc/self/mountinfo` printed.
func readMountinfo(t *testing.T, table, source string) options {
	t.Helper()
	var found []options
	for line := range strings.Lines(table) {
		mount, fs, _ := strings.Cut(line, " - ")
		if m, f := strings.Fields(mount), strings.Fields(fs); len(f) == 3 && f[1] == source {
			found = append(found, options{f[0], strings.Split(m[5], ","), strings.Split(f[2], ",")})
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d mounts of %s in\n%s", len(found), source, table)
	}
	return found[0]
}

func wantOptions(t *testing.T, got []string, want map[string]bool) {
	t.Helper()
	for option, there := range want {
		if slices.Contains(got, option) != there {
			t.Errorf("option %s: want %v in %q", option, there, got)
		}
	}
}

// isVolatile knows both ways in which overlayfs shows it.
func isVolatile(super []string) bool {
	return slices.Contains(super, "volatile") || slices.Contains(super, "fsync=volatile") // seen on Linux 6.18
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}
