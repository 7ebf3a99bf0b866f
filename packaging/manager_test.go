package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// manager is the package manager of a system.
type manager interface {
	// install takes a package by its path on the host: the first time, and as an upgrade.
	install(t *testing.T, s *system, file string)
	// remove leaves configuration and state; keptConfig is where a changed configuration is then.
	remove(s *system) *exec.Cmd
	keptConfig() string
	// purge takes them too. left picks from a list of files what must be as before the installation.
	purge(t *testing.T, s *system)
	left(files []string) []string
}

// dpkg works on a system from outside.
type dpkg struct{}

func (dpkg) command(s *system, args ...string) *exec.Cmd {
	return s.command(`exec dpkg --root="$root" --log=/dev/null "$@"`, args...)
}

func (m dpkg) install(t *testing.T, s *system, file string) {
	t.Helper()
	output(t, m.command(s, "--install", file))
}

func (m dpkg) remove(s *system) *exec.Cmd { return m.command(s, "--remove", "casview") }
func (dpkg) keptConfig() string           { return "etc/casview/config.toml" }

func (m dpkg) purge(t *testing.T, s *system) {
	t.Helper()
	output(t, m.command(s, "--purge", "casview"))
}

func (dpkg) left(files []string) []string { return files }

// apt is a whole Debian's.
type apt struct{ dpkg }

func (apt) install(t *testing.T, s *system, file string) {
	t.Helper()
	inside := filepath.Join(s.root, "casview.deb")
	output(t, exec.Command("cp", file, inside))
	output(t, s.inside("apt-get", "install", "-qy", "--no-install-recommends", "/casview.deb"))
	must(t, os.Remove(inside))
}

func (apt) remove(s *system) *exec.Cmd { return s.inside("apt-get", "remove", "-qy", "casview") }

func (apt) purge(t *testing.T, s *system) {
	t.Helper()
	output(t, s.inside("apt-get", "purge", "-qy", "casview"))
}

// rpm works on a system from outside.
type rpm struct{}

func (rpm) command(s *system, args ...string) *exec.Cmd {
	return s.command(`exec rpm --root="$root" --dbpath=/var/lib/rpm "$@"`, args...)
}

func (m rpm) install(t *testing.T, s *system, file string) {
	t.Helper()
	output(t, m.command(s, "--upgrade", "--nodeps", file)) // a bare system's /bin/sh is no package's
}

func (m rpm) remove(s *system) *exec.Cmd { return m.command(s, "--erase", "casview") }
func (rpm) keptConfig() string           { return "etc/casview/config.toml.rpmsave" }

// purge does what docs/packaging.md tells the administrator to do.
func (rpm) purge(t *testing.T, s *system) {
	t.Helper()
	output(t, s.inside("/bin/sh", "-c", "rm -r /var/lib/casview /etc/casview /etc/cdi/casview.io-inputs_*.json"))
}

// left leaves out folders: on a system of packages each has another owner.
func (rpm) left(files []string) []string {
	return slices.DeleteFunc(files, func(line string) bool { return strings.HasPrefix(strings.Fields(line)[1], "d") })
}
