package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A view outlives its daemon. As long as somebody uses it, the run needs its hook; afterwards uninstalling says what is left.
func TestUninstallWhileAViewOutlivesItsDaemon(t *testing.T) {
	s := newSite(t)
	m := s.mount(s.ingest(sources(t)), "--staging", t.TempDir(), "--driver", "overlay")
	hooks := filepath.Join(t.TempDir(), "hooks.d")
	s.process("install", "--hooks-dir", hooks)
	before := listing(t, hooks)
	// `casview mount` itself would make the result.
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = m.cmd.Wait()
	killDaemon(t, s)
	run := strings.Fields(s.ok("ps"))[7]
	for range 1000 {
		if strings.Contains(s.ok("ps"), " uncollected ") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.process("uninstall", "--hooks-dir", hooks).wantExit(t, exitFailure, "1 without a daemon, but still in use: "+run+" (process ")
	if listing(t, hooks) != before || before == "" {
		t.Errorf("left %s of %s", listing(t, hooks), before)
	}

	if err := unix.Unmount(m.dir, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	o := s.process("uninstall", "--hooks-dir", hooks)
	if o.code != exitOK || !strings.Contains(o.err, "casview: 1 uncollected: "+run+": casview recover makes their results") {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
	if _, err := os.Stat(hooks); err == nil {
		t.Error("the hooks stay")
	}
}
