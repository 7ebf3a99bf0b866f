package packaging

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkContents looks into a release of v0.1.0.
func checkContents(t *testing.T, dist string) {
	tree := filepath.Join(t.TempDir(), "deb")
	output(t, exec.Command("dpkg-deb", "--extract", one(t, dist, "*.deb"), tree))
	t.Run("Programs", func(t *testing.T) {
		for _, p := range programs(t) {
			checkStatic(t, filepath.Join(tree, "usr/bin", p))
		}
	})
	t.Run("Manual", func(t *testing.T) { checkManual(t, tree) })
	t.Run("Units", func(t *testing.T) { checkUnits(t, tree) })
	t.Run("Config", func(t *testing.T) {
		output(t, exec.Command(filepath.Join(tree, "usr/bin/casview"), "--config", filepath.Join(tree, "etc/casview/config.toml"), "config", "check"))
	})
	t.Run("Notices", func(t *testing.T) {
		text := output(t, exec.Command("zcat", filepath.Join(tree, "usr/share/doc/casview/third-party.gz")))
		for _, want := range []string{"==== Go standard library ====", "==== github.com/spf13/cobra v", "==== github.com/hanwen/go-fuse/v2 v"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q", want)
			}
		}
	})
	t.Run("Tarball", func(t *testing.T) { checkTarball(t, dist) })
	t.Run("RPM", func(t *testing.T) { checkRPM(t, dist, tree) })
	t.Run("Sums", func(t *testing.T) {
		cmd := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
		cmd.Dir = dist
		output(t, cmd)
		sums, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
		must(t, err)
		if got := bytes.Count(sums, []byte("\n")); got != 3 {
			t.Errorf("sums of %d files, expected 3:\n%s", got, sums)
		}
	})
}

func checkStatic(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is not static", path)
		}
	}
}

// checkManual wants a page for each command, and for each program.
func checkManual(t *testing.T, tree string) {
	casview := filepath.Join(tree, "usr/bin/casview")
	completed := output(t, exec.Command(casview, "__completeNoDesc", ""))
	for line := range strings.Lines(completed) {
		name := strings.TrimSpace(line)
		if name == "" || strings.HasPrefix(name, ":") || name == "help" {
			continue
		}
		if !exists(tree, "usr/share/man/man1/casview-"+name+".1.gz") {
			t.Errorf("casview %s has no manual page", name)
		}
	}
	for _, p := range programs(t)[1:] {
		if !exists(tree, "usr/share/man/man8/"+p+".8.gz") {
			t.Errorf("%s has no manual page", p)
		}
	}
	page := output(t, exec.Command("zcat", filepath.Join(tree, "usr/share/man/man1/casview-ps.1.gz")))
	for _, want := range []string{`casview v0.1.0`, "\nlive         the job runs\n"} {
		if !strings.Contains(strings.ReplaceAll(page, "  live", "live"), want) {
			t.Errorf("casview-ps(1) has no %q:\n%s", want, page)
		}
	}
}

// checkUnits wants that no unit starts a command that is not there.
func checkUnits(t *testing.T, tree string) {
	units, err := filepath.Glob(filepath.Join(tree, "usr/lib/systemd/*/*.service"))
	must(t, err)
	if len(units) != 4 {
		t.Errorf("%q are not two units of the system and two of users", units)
	}
	for _, unit := range units {
		b, err := os.ReadFile(unit)
		must(t, err)
		for line := range strings.Lines(string(b)) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart=")
			if !ok {
				continue
			}
			args := strings.Fields(command)
			output(t, exec.Command(filepath.Join(tree, args[0]), append(args[1:], "--help")...))
		}
	}
}

func checkTarball(t *testing.T, dist string) {
	names := strings.Split(output(t, exec.Command("tar", "-tzf", one(t, dist, "*.tar.gz"))), "\n")
	for _, want := range []string{"lib/systemd/system/casview-recover.timer", "lib/systemd/system/casview-gc.timer", "lib/systemd/user/casview-gc.timer", "share/man/man1/casview.1.gz", "share/doc/casview/LICENSE"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, "/"+want) }) {
			t.Errorf("no %s", want)
		}
	}
	for _, p := range programs(t) {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, "/bin/"+p) }) {
			t.Errorf("no bin/%s", p)
		}
	}
}

// checkRPM wants that it holds the deb's programs, and needs nothing but what rpm itself brings.
func checkRPM(t *testing.T, dist, tree string) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("rpm is missing: make setup installs it")
	}
	rpm := one(t, dist, "*.rpm")
	names := strings.Split(output(t, exec.Command("rpm", "-qpl", rpm)), "\n")
	for _, p := range programs(t) {
		if !slices.Contains(names, "/usr/bin/"+p) {
			t.Errorf("no /usr/bin/%s", p)
		}
	}
	if got := output(t, exec.Command("rpm", "-qpc", rpm)); got != "/etc/casview/config.toml" {
		t.Errorf("configuration files: %s", got)
	}
	for line := range strings.Lines(output(t, exec.Command("rpm", "-qpR", rpm))) {
		if need := strings.Fields(line)[0]; need != "/bin/sh" && !strings.HasPrefix(need, "rpmlib(") && need != "config(casview)" {
			t.Errorf("needs %s", need)
		}
	}
	into := filepath.Join(t.TempDir(), "rpm")
	must(t, os.Mkdir(into, 0o755))
	unpack := exec.Command("/bin/sh", "-c", `rpm2archive - < "$1" | tar -xz`, "sh", rpm)
	unpack.Dir = into
	output(t, unpack)
	for _, p := range programs(t) {
		got, err := os.ReadFile(filepath.Join(into, "usr/bin", p))
		must(t, err)
		want, err := os.ReadFile(filepath.Join(tree, "usr/bin", p))
		must(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the one in the deb", p)
		}
	}
}
