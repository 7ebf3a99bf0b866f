package hook

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/state"
)

// world is a host with casview: a state directory with one input tree in its store.
type world struct {
	t      *testing.T
	cfg    config.Config
	env    Env
	inputs digest.Digest
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts views in containers")
	}
	w := &world{t: t, cfg: config.Default(), env: Env{FSD: fsdPath, Dir: "/"}}
	w.cfg.State = t.TempDir()
	w.cfg.View.AllowedTargets = []string{"/workspace", "/data/**"}
	w.cfg.Collect.Timeout = config.Duration{Duration: 20 * time.Second}
	w.cfg.Log.Level = "debug"
	w.inputs = w.ingest()
	t.Cleanup(w.nothingRuns)
	return w
}

// ingest stores a tree with one file, "hello".
func (w *world) ingest() digest.Digest {
	w.t.Helper()
	store, err := cas.OpenLocal(filepath.Join(w.cfg.State, "store"), digest.SHA256)
	must(w.t, err)
	defer store.Close()
	text := []byte("hello\n")
	file, err := store.PutBytes(text)
	must(w.t, err)
	b := tree.NewBuilder(store)
	must(w.t, b.Add("hello", tree.Entry{Kind: tree.File, Digest: file, Size: int64(len(text)), Mode: 0o644}))
	root, _, err := b.Finish()
	must(w.t, err)
	return root
}

// nothingRuns checks that no daemon of this world is left.
func (w *world) nothingRuns() {
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		left := w.daemons()
		if len(left) == 0 {
			return
		}
		if time.Since(start) > 10*time.Second {
			w.t.Errorf("daemons left: %q", left)
			return
		}
	}
}

func (w *world) daemons() []string {
	var out []string
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		if b, err := os.ReadFile(line); err == nil && strings.Contains(string(b), "\x00"+w.cfg.State+"/") {
			out = append(out, filepath.Base(filepath.Dir(line)))
		}
	}
	return out
}

func (w *world) runs() *rundir.Runs {
	w.t.Helper()
	runs, err := rundir.OpenRuns(w.cfg.State)
	must(w.t, err)
	return runs
}

func (w *world) run(key rundir.RunKey) *rundir.Dir {
	w.t.Helper()
	run, err := w.runs().Open(key)
	must(w.t, err)
	return run
}

// nothingKept checks that a refused container left nothing in the state directory.
func (w *world) nothingKept() {
	w.t.Helper()
	for _, dir := range []string{"runs", "containers"} {
		if path := filepath.Join(w.cfg.State, dir); exists(path) && len(names(w.t, path)) != 0 {
			w.t.Errorf("left in %s: %q", dir, names(w.t, path))
		}
	}
}

// container is what a runtime has made when it calls createRuntime.
type container struct {
	world       *world
	id          string
	bundle      string
	rootfs      string
	annotations map[string]string
	user        uint32
	env         []string
	label       string       // linux.mountLabel
	hooks       []state.Hook // of createRuntime
	process     *exec.Cmd
}

func (w *world) container(id, rootfs string) *container {
	return &container{world: w, id: id, rootfs: rootfs, annotations: map[string]string{state.Inputs: w.inputs.String()}}
}

// start makes the container's namespace, with userns in a user namespace where 0 is 100000 outside.
func (c *container) start(userns bool) {
	t := c.world.t
	t.Helper()
	c.bundle = t.TempDir()
	conf := map[string]any{
		"root":        map[string]any{"path": c.rootfs},
		"process":     map[string]any{"user": map[string]any{"uid": c.user, "gid": c.user}, "env": c.env},
		"annotations": c.annotations,
		"linux":       map[string]any{"mountLabel": c.label},
		"hooks":       map[string]any{"createRuntime": c.hooks},
	}
	b, err := json.Marshal(conf)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(c.bundle, "config.json"), b, 0o600))

	ready := filepath.Join(c.bundle, "ready")
	c.process = exec.Command("sh", "-ec", `mount --make-rprivate /; mount --bind "$0" "$0"; : > "$1"; exec sleep 120`, c.rootfs, ready)
	c.process.Stderr = os.Stderr
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if userns {
		must(t, os.Chmod(c.bundle, 0o777))
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100_000, Size: 65536}}
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings, attr.GidMappings = ids, ids
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{Uid: 0, Gid: 0}
	}
	c.process.SysProcAttr = attr
	must(t, c.process.Start())
	t.Cleanup(c.stop)
	waitFor(t, "the container's namespace", func() bool { return exists(ready) })
}

// stop ends the container, however often it is called.
func (c *container) stop() {
	c.process.Process.Kill()
	c.process.Wait()
}

func (c *container) state(status string, pid int) string {
	b, err := json.Marshal(map[string]any{
		"ociVersion": "1.0.2", "id": c.id, "status": status, "pid": pid, "bundle": c.bundle, "annotations": c.annotations,
	})
	must(c.world.t, err)
	return string(b)
}

func (c *container) create() error {
	env := c.world.env
	env.Started = time.Now()
	return Create(context.Background(), env, c.world.cfg, strings.NewReader(c.state("creating", c.process.Process.Pid)))
}

func (c *container) poststop() error {
	return Poststop(context.Background(), c.world.env, c.world.cfg, strings.NewReader(c.state("stopped", 0)))
}

// inside is where this process sees a path of the container.
func (c *container) inside(path string) string {
	return filepath.Join("/proc", strconv.Itoa(c.process.Process.Pid), "root", c.rootfs, path)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%s: did not happen within 10 s", what)
		}
	}
}
