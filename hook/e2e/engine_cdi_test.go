package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// cdiDevices are CDI devices of a site's inputs, by specs that `casview cdi` writes.
type cdiDevices struct {
	of    *site
	specs string // the folder where the engine looks for specs
}

// newCDIDevices makes a folder for specs in the site's own.
func newCDIDevices(t *testing.T, s *site) cdiDevices {
	t.Helper()
	c := cdiDevices{of: s, specs: filepath.Join(s.dir, "cdi")}
	must(t, os.Mkdir(c.specs, 0o755))
	must(t, os.Chown(c.specs, s.uid, s.uid))
	return c
}

// podmanCDI is podman that gets its inputs as CDI devices.
type podmanCDI struct {
	*podman
	cdiDevices
}

var _ engine = (*podmanCDI)(nil)

// startPodmanCDI is podman without any folder of hooks.
func startPodmanCDI(t *testing.T, with setup) engine {
	t.Helper()
	c := withSpecs(t, newPodman(t, "runc", newSite(t, 0, with), unwrapped))
	c.forgetHooks(t)
	return c
}

// startPodmanCDIRootless is podman of an ordinary user who has casview's hooks in hooks.d as well.
func startPodmanCDIRootless(t *testing.T, with setup) engine {
	t.Helper()
	return withSpecs(t, startPodmanRootless(t, with).(*podman))
}

// forgetHooks empties podman's folder of hooks.
func (p *podman) forgetHooks(t *testing.T) {
	t.Helper()
	must(t, os.RemoveAll(p.hooks))
	must(t, os.Mkdir(p.hooks, 0o755))
}

// withSpecs lets podman see a folder of the test as /etc/cdi. It reads no other one (without --cdi-spec-dir, which came with
// 5.5).
func withSpecs(t *testing.T, p *podman) *podmanCDI {
	t.Helper()
	c := &podmanCDI{podman: p, cdiDevices: newCDIDevices(t, p.place)}
	etc, inner := tempDir(t, 0), p.wrap
	p.wrap = func(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
		t.Helper()
		return c.asEtcCDI(t, etc, inner(t, cmd))
	}
	return c
}

// asEtcCDI lets a command see the folder of specs as /etc/cdi: in a mount namespace of its own, with an /etc that it may write
// to, which is made in the directory etc.
func (c *cdiDevices) asEtcCDI(t *testing.T, etc string, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	const script = `
		etc=$1 specs=$2; shift 2
		mount -t tmpfs -o mode=755 etc "$etc"
		mkdir -p "$etc/upper/cdi" "$etc/work"
		chmod 755 "$etc/upper" "$etc/upper/cdi"
		mount -t overlay -o "lowerdir=/etc,upperdir=$etc/upper,workdir=$etc/work" overlay /etc
		mount --bind "$specs" /etc/cdi
		exec "$@"`
	args := []string{"--mount", "--propagation", "private", "/bin/sh", "-ec", script, "sh", etc, c.specs}
	args = append(append(args, becomeArgs(t, cmd.SysProcAttr)...), cmd.Path)
	wrapped := exec.Command(find(t, "unshare"), append(args, cmd.Args[1:]...)...)
	wrapped.Env, wrapped.Dir = cmd.Env, cmd.Dir
	return wrapped
}

// becomeArgs let a command that is started by root do what cmd would do as its own user.
func becomeArgs(t *testing.T, attr *syscall.SysProcAttr) []string {
	t.Helper()
	if attr == nil || attr.Credential == nil {
		return nil
	}
	c := attr.Credential
	return []string{find(t, "setpriv"), "--clear-groups",
		"--reuid", strconv.Itoa(int(c.Uid)), "--regid", strconv.Itoa(int(c.Gid)), "--"}
}

func (c *podmanCDI) command(t *testing.T, j job) *exec.Cmd {
	t.Helper()
	return c.podman.command(t, c.byDevice(t, j))
}

// byDevice is the job with a device of its own in place of its inputs. Only the run's name is an annotation.
func (c *cdiDevices) byDevice(t *testing.T, j job) job {
	t.Helper()
	if j.inputs != "" {
		j.options = append([]string{"--device", c.device(t, j.inputs)}, j.options...)
		j.inputs = ""
	}
	return j
}

// device makes a device of an input set, also of one that is not in the store (any more), and returns its qualified name.
func (c *cdiDevices) device(t *testing.T, inputs string, options ...string) string {
	t.Helper()
	s, name, stored := c.of, unique("set"), inputs
	if !exists(s.blob(inputs)) {
		stored = s.store(t)
	}
	args := append([]string{"cdi", "--spec-dir", c.specs, "--inputs", stored, "--name", name}, options...)
	o := s.casview(t, args...)
	if o.code != 0 || o.stdout != "casview.io/inputs="+name+"\n" {
		t.Fatalf("casview cdi: exit %d, %q: %s", o.code, o.stdout, o.stderr)
	}
	c.editSpec(t, name, stored, inputs)
	return strings.TrimSpace(o.stdout)
}

func (c *cdiDevices) specPath(name string) string {
	return filepath.Join(c.specs, "casview.io-inputs_"+name+".json")
}

// editSpec changes a device's spec as an administrator could with an editor.
func (c *cdiDevices) editSpec(t *testing.T, name, from, to string) {
	t.Helper()
	text, err := os.ReadFile(c.specPath(name))
	must(t, err)
	if !strings.Contains(string(text), from) {
		t.Fatalf("%s does not hold %q: %s", c.specPath(name), from, text)
	}
	must(t, os.WriteFile(c.specPath(name), []byte(strings.ReplaceAll(string(text), from, to)), 0o644))
}
