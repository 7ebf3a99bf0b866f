package packaging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hookFile is one of those that `casview install --engine podman` writes.
const hookFile = "usr/share/containers/oci/hooks.d/casview-createRuntime.json"

// installed takes a system through a package's life: installed, used, upgraded under a live run, removed and purged. Nothing
// is left then.
func installed(t *testing.T, s *system, older, newer string) {
	before := s.files(t)
	s.install(t, s, older)
	if got := output(t, s.inside("casview", "version")); got != "v0.1.0" {
		t.Errorf("casview version says %q", got)
	}
	for _, engine := range []string{"podman", "docker"} {
		output(t, s.inside("casview", "install", "--engine", engine))
	}
	if !exists(s.root, hookFile) {
		t.Errorf("no %s", hookFile)
	}
	first := s.startJob(t, "first")
	for _, name := range []string{"first", "second"} {
		output(t, s.inside("casview", "cdi", "--inputs", "/srv/first/inputs", "--name", name))
	}
	first.finish(t, "one")
	s.wantComplete(t, "first", "one")

	t.Run("Upgrade", func(t *testing.T) { upgraded(t, s, newer) })

	output(t, s.remove(s))
	if exists(s.root, hookFile) {
		t.Error("removed, and the engine still calls the hook")
	}
	if !exists(s.root, s.keptConfig()) || !exists(s.root, "var/lib/casview/store") {
		t.Error("removing has taken the configuration or the store away")
	}
	s.purge(t, s)
	wantSame(t, s.left(before), s.left(s.files(t)))
}

// upgraded replaces the package under two live runs. The old daemon serves on, and the new hook finds its run. Of a run whose
// daemon dies the new one collects what the old one has left. The administrator's configuration stays.
func upgraded(t *testing.T, s *system, newer string) {
	conf := filepath.Join(s.root, "etc/casview/config.toml")
	mine := []byte("# mine\n[collect]\ntimeout = \"1m\"\n")
	must(t, os.WriteFile(conf, mine, 0o644))
	live, dead := s.startJob(t, "live"), s.startJob(t, "dead")
	s.install(t, s, newer)
	if got := output(t, s.inside("casview", "version")); got != "v0.2.0" {
		t.Errorf("after the upgrade casview version says %q", got)
	}
	if got, err := os.ReadFile(conf); err != nil || string(got) != string(mine) {
		t.Errorf("the configuration holds %q, %v; expected what the administrator wrote", got, err)
	}
	if ps := output(t, s.inside("casview", "ps")); !strings.Contains(ps, "live ") {
		t.Errorf("casview ps does not show the run as live:\n%s", ps)
	}
	if !exists(s.root, hookFile) {
		t.Error("the upgrade has taken the engine's hook away")
	}
	s.killDaemon(t, "dead")
	s.wantNotRemoved(t, "casview: uninstall: 1 live: live; 1 without a daemon, but still in use: dead (process ")
	dead.end(t)
	s.wantCollected(t, "dead")
	s.wantNotRemoved(t, "casview: uninstall: 1 live: live: wait for them")
	output(t, s.inside("casview", "ps"))
	// Nothing is young, so that all is removed that the new version does not take for used.
	output(t, s.inside("casview", "gc", "--grace", "0s"))
	live.finish(t, "two")
	s.wantComplete(t, "live", "two")
	s.wantComplete(t, "first", "one")
}

// wantNotRemoved tries to remove the package, which must fail and say why.
func (s *system) wantNotRemoved(t *testing.T, why string) {
	t.Helper()
	stdout, stderr, err := capture(s.remove(s)) // apt shows what dpkg says on its own stdout
	if err == nil || !strings.Contains(stdout+stderr, why) {
		t.Errorf("removing the package: %v, %s%s; expected %s", err, stdout, stderr, why)
	}
}

func TestInstalled(t *testing.T) {
	need(t, "runc", "busybox", "dpkg", "ldd")
	t.Parallel()
	older, newer := build(t, "v0.1.0", "deb rpm tar"), build(t, "v0.2.0", "deb rpm")
	t.Run("Contents", func(t *testing.T) { checkContents(t, older) })
	t.Run("Again", func(t *testing.T) {
		again := strings.Split(sums(t, build(t, "v0.2.0", "deb")), "\n")
		if !strings.HasPrefix(sums(t, newer), again[0]+"\n") {
			t.Errorf("built again:\n%s\nbefore:\n%s", again[0], sums(t, newer))
		}
	})
	t.Run("Life", func(t *testing.T) {
		installed(t, newBare(t, dpkg{}), one(t, older, "*.deb"), one(t, newer, "*.deb"))
	})
	t.Run("LifeRPM", func(t *testing.T) {
		need(t, "rpm")
		installed(t, newBare(t, rpm{}), one(t, older, "*.rpm"), one(t, newer, "*.rpm"))
	})
}
