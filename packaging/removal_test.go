package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRemove(t *testing.T) {
	need(t, "runc", "busybox", "dpkg", "ldd", "tar")
	t.Parallel()
	dist := build(t, "v0.1.0", "deb tar")
	t.Run("BesideATarball", func(t *testing.T) { removedBesideATarball(t, newBare(t, dpkg{}), dist) })
	t.Run("MistakeInTheConfiguration", func(t *testing.T) { removedWithAMistake(t, newBare(t, dpkg{}), dist) })
	t.Run("MountPoints", func(t *testing.T) { purgedWithMountPoints(t, newBare(t, dpkg{}), dist) })
}

// A package's programs and a tarball's on one system have one record of what they have installed. The package takes out what
// it has made, and neither the tarball's hooks nor the store that they use.
func removedBesideATarball(t *testing.T, s *system, dist string) {
	t.Helper()
	s.install(t, s, one(t, dist, "*.deb"))
	must(t, os.MkdirAll(filepath.Join(s.root, "usr/local"), 0o755))
	output(t, exec.Command("tar", "-C", filepath.Join(s.root, "usr/local"), "--strip-components=1", "-xf", one(t, dist, "*.tar.gz")))
	output(t, s.inside("/usr/bin/casview", "install", "--engine", "podman"))
	output(t, s.inside("/usr/local/bin/casview", "install", "--engine", "podman"))
	output(t, s.inside("/usr/local/bin/casview", "ingest", "/etc"))

	stdout, stderr, err := capture(s.remove(s))
	want := "casview: uninstall: podman: skipped: it calls the programs in /usr/local/bin: /usr/local/bin/casview uninstall --engine podman takes it out\n"
	if err != nil || !strings.Contains(stderr, want) {
		t.Errorf("removing: %v, %s%s, expected %s", err, stdout, stderr, want)
	}
	b, err := os.ReadFile(filepath.Join(s.root, hookFile))
	if err != nil || !strings.Contains(string(b), `"/usr/local/bin/casview-hook"`) {
		t.Errorf("the engine's hook: %v, %s", err, b)
	}
	output(t, s.inside("/usr/local/bin/casview", "cdi", "--inputs", "/etc", "--name", "etc"))
	s.purge(t, s)
	for _, theirs := range []string{"var/lib/casview/store", "etc/cdi/casview.io-inputs_etc.json"} {
		if !exists(s.root, theirs) {
			t.Errorf("purging has taken %s of the other casview", theirs)
		}
	}
	output(t, s.inside("/usr/local/bin/casview", "uninstall", "--engine", "all"))
	if exists(s.root, hookFile) || exists(s.root, "etc/casview/casview-installed.json") {
		t.Error("the tarball's casview does not take out what it has made")
	}
}

// A mistake in the configuration keeps the package, since nobody can tell which runs are live. One line says where it is and
// how to go on, and that works.
func removedWithAMistake(t *testing.T, s *system, dist string) {
	t.Helper()
	s.install(t, s, one(t, dist, "*.deb"))
	output(t, s.inside("casview", "install", "--engine", "podman"))
	conf := filepath.Join(s.root, "etc/casview/config.toml")
	must(t, os.WriteFile(conf, []byte("# mine\n[view]\nmarker = \"yes\"\n"), 0o644))
	_, stderr, err := capture(s.remove(s))
	var line string
	for l := range strings.Lines(stderr) {
		if strings.HasPrefix(l, "casview: ") {
			line += l
		}
	}
	if err == nil || strings.Count(line, "\n") != 1 || !strings.Contains(line, "/etc/casview/config.toml:3: ") ||
		!strings.HasSuffix(line, ": mend it, or move it away: the defaults count then\n") || strings.Contains(line, "--force") {
		t.Errorf("removing: %v, %s", err, stderr)
	}
	if !exists(s.root, hookFile) || !exists(s.root, "usr/bin/casview-hook") {
		t.Error("it was removed all the same")
	}
	must(t, os.Rename(conf, conf+".mine"))
	output(t, s.remove(s))
	if exists(s.root, hookFile) {
		t.Error("removed, and the engine still calls the hook")
	}
}

// A state directory that is a disk of its own is emptied, and purging does not fail on it. What is mounted below is somebody's.
func purgedWithMountPoints(t *testing.T, s *system, dist string) {
	t.Helper()
	s.install(t, s, one(t, dist, "*.deb"))
	for _, c := range []struct{ at, left string }{
		{"var/lib/casview", "d .\nd ./theirs\nf ./theirs/precious\n"},
		{"var/lib", "d .\nd ./theirs\nf ./theirs/precious\n"},
	} {
		script := `
state="$root/var/lib/casview"
mkdir -p "$state"
if [ "$1" = var/lib/casview ]; then mount -t tmpfs state "$state"; fi
mkdir -p "$state/store" "$state/theirs" "$state/.hidden"
mount -t tmpfs theirs "$state/theirs"
touch "$state/store/blob" "$state/theirs/precious" "$state/.hidden/file"
dpkg --root="$root" --log=/dev/null --purge casview >&2
cd "$state" && find . -printf '%y %p\n'`
		stdout, stderr, err := capture(s.command(script, c.at))
		if err != nil || stdout != c.left || !strings.Contains(stderr, "/var/lib/casview/theirs\n") {
			t.Errorf("%s: %v, left %q of %s", c.at, err, stdout, stderr)
		}
		s.install(t, s, one(t, dist, "*.deb"))
	}
}
