package doctor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestContainersConfOrder compares the files that are read, and their order, with those that podman itself says it reads.
func TestContainersConfOrder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a mount namespace with other files in it")
	}
	cases := []struct{ name, host, env string }{
		{name: "SystemAlone", host: `touch /usr/share/containers/containers.conf`},
		{name: "All", host: `touch /usr/share/containers/containers.conf /etc/containers/containers.conf; mkdir /etc/containers/containers.conf.d
			touch /etc/containers/containers.conf.d/{b,a,C}.conf /etc/containers/containers.conf.d/d.txt; mkdir -p $T/home/.config/containers; touch $T/home/.config/containers/containers.conf`},
		{name: "None"},
		{name: "Variable", host: `touch $T/own.conf /etc/containers/containers.conf`, env: "CONTAINERS_CONF=$T/own.conf"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "cvdoctor")
			must(t, err)
			t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
			must(t, os.Mkdir(filepath.Join(dir, "home"), 0o755))
			self, err := os.Executable()
			must(t, err)
			script := prelude + "mkdir -p /usr/share/containers /etc/containers /var/lib/containers; mount -t tmpfs tmpfs /var/lib/containers\n" + c.host + "\nexport HOME=$T/home " + c.env + "\n" +
				"podman --log-level=debug info > $T/podman 2>&1\n" + confVariable + "=1 $SELF > $T/ours\n"
			cmd := exec.Command("unshare", "--mount", "--propagation", "private", "bash", "-c", script)
			cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "T=" + dir, "BIN=" + programs, "SELF=" + self}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%spodman's last lines:\n%s", err, out, lastLines(filepath.Join(dir, "podman"), 5))
			}
			theirs, ours := matches(t, filepath.Join(dir, "podman"), `Merged system config \\"([^"]+)\\"`), matches(t, filepath.Join(dir, "ours"), `(?m)^file (.+)$`)
			if !slices.Equal(theirs, ours) || c.name != "None" && len(ours) == 0 {
				t.Errorf("podman read %q, the doctor %q", theirs, ours)
			}
		})
	}
}

// confVariable makes this test binary print the files that the doctor reads, one a line.
const confVariable = "DOCTOR_TEST_CONF"

func printContainersConf() error {
	c, err := (&doctor{}).readContainersConf()
	for _, file := range c.files {
		fmt.Println("file", file)
	}
	return err
}

// lastLines are the last lines of a file, or why it can't be read.
func lastLines(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := slices.Collect(strings.Lines(string(text)))
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

func matches(t *testing.T, path, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	return out
}
