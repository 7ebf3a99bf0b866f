package hook

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/hook/state"
)

func TestAContainersLife(t *testing.T) {
	w := newWorld(t)
	c := w.container("job", t.TempDir())
	c.annotations[state.Target], c.annotations[state.Run] = "/data/in", "build-17"
	c.start(false)
	must(t, c.create())
	if b, err := os.ReadFile(c.inside("data/in/hello")); err != nil || string(b) != "hello\n" {
		t.Fatalf("%q, %v", b, err)
	}
	if got := names(t, filepath.Join(c.rootfs, "data/in")); len(got) != 0 {
		t.Errorf("the host sees the view: %q", got)
	}
	must(t, os.WriteFile(c.inside("data/in/out"), []byte("x"), 0o644))
	c.stop()
	must(t, c.poststop())
	r, err := w.run("build-17").Result()
	must(t, err)
	if _, ok := r.HashedFiles.Find("out"); !ok || r.Status != result.Complete || r.Container != "job" {
		t.Errorf("%+v", r)
	}
	if left := names(t, c.rootfs); len(left) != 0 {
		t.Errorf("left in the root filesystem: %q", left)
	}
	if left := names(t, filepath.Join(w.cfg.State, "containers")); len(left) != 0 {
		t.Errorf("the container is still known: %q", left)
	}
	must(t, c.poststop())
}

func TestMarker(t *testing.T) {
	w := newWorld(t)
	w.cfg.View.Marker = true
	c := w.container("job", openDir(t))
	c.annotations[state.Run] = "marked"
	c.start(true)
	must(t, c.create())
	b, err := os.ReadFile(c.inside(".casview"))
	must(t, err)
	want := `{
  "schema": "casview.marker/v1",
  "run": "marked",
  "inputs_root": "` + w.inputs.String() + `",
  "target": "/workspace",
  "staging_driver": "overlay"
}
`
	if string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	st, err := os.Stat(c.inside(".casview"))
	must(t, err)
	if s := st.Sys().(*syscall.Stat_t); s.Uid != 100_000 || s.Gid != 100_000 || st.Mode() != 0o444 {
		t.Errorf("belongs to %d:%d, mode %v", s.Uid, s.Gid, st.Mode())
	}
	c.stop()
	must(t, c.poststop())
	if left := names(t, c.rootfs); len(left) != 0 {
		t.Errorf("left in the root filesystem: %q", left)
	}

	bad := w.container("bad", t.TempDir())
	must(t, os.Symlink("hello", bad.rootfs+"/.casview"))
	bad.start(false)
	if err := bad.create(); err == nil || !strings.Contains(err.Error(), "marker /.casview: is a symlink") {
		t.Errorf("error %v", err)
	}
	if left := names(t, bad.rootfs); len(left) != 1 {
		t.Errorf("left in the root filesystem: %q", left)
	}
}

func TestContainersThatDidNotAsk(t *testing.T) {
	w := newWorld(t)
	w.cfg.View.Marker = true
	c := w.container("job", t.TempDir())
	c.env = []string{"CASVIEW_INPUTS=" + w.inputs.String()} // not accepted
	for _, annotations := range []map[string]string{nil, {"org.example": "x"}} {
		c.annotations = annotations
		c.start(false)
		must(t, c.create())
		if exists(c.inside(".casview")) {
			t.Error("a marker")
		}
		c.stop()
		must(t, c.poststop())
	}
	w.nothingKept()
}

func TestEnvironmentInPlaceOfAnnotations(t *testing.T) {
	w := newWorld(t)
	w.cfg.Policy.AcceptEnv = true
	c := w.container("job", t.TempDir())
	c.annotations = map[string]string{"org.example": "x"}
	c.env = []string{"CASVIEW_INPUTS=" + w.inputs.String(), "CASVIEW_TARGET=/data/env", "CASVIEW_RUN=by-env"}
	c.start(false)
	must(t, c.create())
	if !exists(c.inside("data/env/hello")) {
		t.Error("no view")
	}
	c.stop()
	must(t, c.poststop())
	w.run("by-env")

	bad := w.container("bad", t.TempDir())
	bad.annotations = nil
	bad.env = []string{"CASVIEW_TARGET=/workspace"}
	bad.start(false)
	if err := bad.create(); err == nil || !strings.Contains(err.Error(), "CASVIEW_* in process.env") {
		t.Errorf("error %v", err)
	}
}

// Everything that is wrong fails the container with one line, and leaves nothing.
func TestCreateFailsClosed(t *testing.T) {
	missing := cas.Sum(digest.SHA256, []byte("not in the store")).String()
	cases := []struct {
		name string
		edit func(w *world, c *container)
		want string
	}{
		{"unknown annotation", func(_ *world, c *container) { c.annotations["io.casview.input"] = "x" }, "annotation io.casview.input: unknown"},
		{"only a misspelled annotation", func(_ *world, c *container) { c.annotations = map[string]string{"io.casview.input": "x"} }, "annotation io.casview.input"},
		{"bad digest", func(_ *world, c *container) { c.annotations[state.Inputs] = "sha256:1" }, "annotation io.casview.inputs"},
		{"inputs not in the store", func(_ *world, c *container) { c.annotations[state.Inputs] = missing }, missing},
		{"target not allowed", func(_ *world, c *container) { c.annotations[state.Target] = "/etc" }, "target /etc: is not in view.allowed_targets (/workspace, /data/**)"},
		{"target is a symlink", func(_ *world, c *container) {
			must(c.world.t, os.Symlink("/etc", c.rootfs+"/workspace"))
			must(c.world.t, os.Mkdir(c.rootfs+"/etc", 0o755))
		}, "target /workspace: is a symlink to /etc, which view.allowed_targets does not allow"},
		{"dangling below a new directory", func(_ *world, c *container) {
			c.annotations[state.Target] = "/data/a/b"
			must(c.world.t, os.MkdirAll(c.rootfs+"/data", 0o755))
			must(c.world.t, os.Symlink("none", c.rootfs+"/data/a"))
		}, `"a" is a symlink that leads nowhere`},
		{"file at the target", func(_ *world, c *container) {
			must(c.world.t, os.WriteFile(c.rootfs+"/workspace", nil, 0o644))
		}, "target /workspace: is not a directory"},
		{"fsd missing", func(w *world, _ *container) { w.env.FSD = "/none/casview-fsd" }, "/none/casview-fsd: no such file"},
		{"fsd fails", func(w *world, _ *container) { w.env.FSD = "/bin/false" }, "casview-fsd ended before it answered"},
		{"owner", func(_ *world, c *container) { c.user = 1<<32 - 1 }, "user 4294967295:4294967295 of the container"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			rootfs := t.TempDir()
			job := w.container("job", rootfs)
			c.edit(w, job)
			before := names(t, rootfs)
			job.start(false)
			err := job.create()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want %q in one line", err, c.want)
			}
			if why, _, err := w.runs().Refusal("job"); err != nil || !strings.Contains(why, c.want) {
				t.Errorf("remembered %q, %v", why, err)
			}
			w.nothingKept()
			if after := names(t, rootfs); len(after) != len(before) {
				t.Errorf("the root filesystem changed from %q to %q", before, after)
			}
			job.stop()
			must(t, job.poststop())
		})
	}
}

// An engine that gives up on its hook sends SIGTERM, which ends the context.
func TestCreateIsInterrupted(t *testing.T) {
	w := newWorld(t)
	hang := filepath.Join(t.TempDir(), "casview-fsd")
	must(t, os.WriteFile(hang, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755))
	w.env.FSD = hang
	c := w.container("job", t.TempDir())
	c.start(false)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := Create(ctx, w.env, w.cfg, strings.NewReader(c.state("creating", c.process.Process.Pid)))
	if err == nil || !strings.Contains(err.Error(), "context deadline exceeded") {
		t.Errorf("error %v", err)
	}
	w.nothingKept()
	if left := names(t, c.rootfs); len(left) != 0 {
		t.Errorf("left in the root filesystem: %q", left)
	}
}

func TestOneNameForTwoLiveRuns(t *testing.T) {
	w := newWorld(t)
	one, two := w.container("one", t.TempDir()), w.container("two", t.TempDir())
	for _, c := range []*container{one, two} {
		c.annotations[state.Run] = "same"
		c.start(false)
	}
	must(t, one.create())
	if err := two.create(); err == nil || !strings.Contains(err.Error(), "run same is live already") {
		t.Errorf("error %v", err)
	}
	if !exists(one.inside("workspace/hello")) {
		t.Error("the first view is gone")
	}
	two.stop()
	must(t, two.poststop())
	one.stop()
	must(t, one.poststop())
	if r, err := w.run("same").Result(); err != nil || r.Container != "one" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNoProcessOrConfiguration(t *testing.T) {
	w := newWorld(t)
	c := w.container("job", t.TempDir())
	c.start(false)
	err := Create(t.Context(), w.env, w.cfg, strings.NewReader(c.state("created", 0)))
	if err == nil || !strings.Contains(err.Error(), "must run as createRuntime or prestart") {
		t.Errorf("no pid: %v", err)
	}
	must(t, os.Remove(c.bundle+"/config.json"))
	if err := c.create(); err == nil || !strings.Contains(err.Error(), c.bundle+"/config.json") {
		t.Errorf("no configuration: %v", err)
	}
	w.nothingKept()
}

// openDir is a directory that everybody can get to.
func openDir(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	for dir := path; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	return path
}

// The owner of the view is the job's user, in a container with user numbers of its own.
func TestOwnerInAUserNamespace(t *testing.T) {
	w := newWorld(t)
	c := w.container("job", openDir(t))
	c.user = 7
	c.start(true)
	must(t, c.create())
	st, err := os.Stat(c.inside("workspace/hello"))
	must(t, err)
	if got := st.Sys().(*syscall.Stat_t).Uid; got != 100_007 {
		t.Errorf("owner %d", got)
	}
	c.stop()
	must(t, c.poststop())
}
