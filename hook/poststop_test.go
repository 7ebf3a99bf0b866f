package hook

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/state"
)

// running is a container on its view, which has written "out".
func running(w *world, id, rootfs string) *container {
	w.t.Helper()
	c := w.container(id, rootfs)
	c.start(false)
	must(w.t, c.create())
	must(w.t, os.WriteFile(c.inside("workspace/out"), []byte(id), 0o644))
	return c
}

func (w *world) daemonOf(key rundir.RunKey) int {
	w.t.Helper()
	v, err := w.run(key).View()
	must(w.t, err)
	return v.PID
}

func TestPoststopOfAnUnknownContainer(t *testing.T) {
	w := newWorld(t)
	c := w.container("never", t.TempDir())
	must(t, c.poststop())
	// A run that was removed while its container was still known.
	c = running(w, "removed", t.TempDir())
	c.stop()
	run := w.run("removed")
	waitFor(t, "the result", func() bool { return exists(run.ResultPath()) })
	must(t, os.RemoveAll(run.Path()))
	must(t, c.poststop())
	if left := names(t, filepath.Join(w.cfg.State, "containers")); len(left) != 0 {
		t.Errorf("still known: %q", left)
	}
}

func TestPoststopIgnoresTheRestOfTheState(t *testing.T) {
	w := newWorld(t)
	c := running(w, "job", t.TempDir())
	c.stop()
	c.bundle, c.annotations = "/gone", map[string]string{"io.casview.bad": "x"}
	w.env.Dir = ""
	must(t, c.poststop())
	if r, err := w.run("job").Result(); err != nil || r.Status != result.Complete {
		t.Errorf("%+v, %v", r, err)
	}
}

// The daemon is killed while the job runs. What the job wrote by then is on disk, and poststop collects it.
func TestPoststopAfterTheDaemonDied(t *testing.T) {
	w := newWorld(t)
	c := running(w, "job", t.TempDir())
	must(t, syscall.Kill(w.daemonOf("job"), syscall.SIGKILL))
	c.stop()
	err := c.poststop()
	r, readErr := w.run("job").Result()
	must(t, readErr)
	if _, ok := r.HashedFiles.Find("out"); !ok {
		t.Errorf("out is lost: %+v", r)
	}
	if (err == nil) != (r.Status == result.Complete) {
		t.Errorf("status %s, but error %v", r.Status, err)
	}
	if left := names(t, c.rootfs); len(left) != 0 {
		t.Errorf("left in the root filesystem: %q", left)
	}
}

// hold keeps a container's mount namespace alive in a process of another name.
func hold(t *testing.T, c *container) (end func()) {
	t.Helper()
	cmd := exec.Command("nsenter", "--mount", "--target", strconv.Itoa(c.process.Process.Pid), "sleep", "60")
	must(t, cmd.Start())
	ours, err := os.Readlink("/proc/self/ns/mnt")
	must(t, err)
	waitFor(t, "nsenter", func() bool {
		theirs, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "ns/mnt"))
		comm, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "comm"))
		return err == nil && theirs != ours && strings.TrimSpace(string(comm)) == "sleep"
	})
	end = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(end)
	return end
}

// Somebody else is still in the view: the result is partial and names them.
// A daemon that is killed between its result and its end leaves files that nobody needs any more.
func TestPoststopAfterADaemonDiedWithItsResult(t *testing.T) {
	w := newWorld(t)
	c := running(w, "job", t.TempDir())
	c.stop()
	run := w.run("job")
	waitFor(t, "the daemon's end", func() bool { return exists(run.ResultPath()) && !exists(run.StagingPath()) })
	must(t, os.MkdirAll(filepath.Join(run.UpperPath(), "left"), 0o755))
	must(t, os.WriteFile(filepath.Join(run.Path(), "plan.json"), []byte("{}"), 0o600))
	must(t, c.poststop())
	if exists(run.StagingPath()) || exists(filepath.Join(run.Path(), "plan.json")) {
		t.Errorf("left: %q", names(t, run.Path()))
	}
}

func TestPoststopWhileTheViewIsHeld(t *testing.T) {
	w := newWorld(t)
	w.cfg.Collect.Timeout = config.Duration{Duration: 500 * time.Millisecond}
	c := running(w, "job", t.TempDir())
	end := hold(t, c)
	c.stop()
	err := c.poststop()
	if err == nil || !strings.Contains(err.Error(), "run job: outputs are not complete (partial): ") || !strings.Contains(err.Error(), "sleep") {
		t.Errorf("error %v", err)
	}
	r, err := w.run("job").Result()
	must(t, err)
	if _, ok := r.HashedFiles.Find("out"); !ok || r.Status != result.Partial {
		t.Errorf("%+v", r)
	}
	// Its directory stays: removing it would pull the view away.
	if got := names(t, c.rootfs); len(got) != 1 {
		t.Errorf("root filesystem: %q", got)
	}
	end()
	must(t, c.poststop())
}

// A daemon that does not react any more is killed, and its run collected from disk.
func TestPoststopWithAHangingDaemon(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a daemon that does not react for ten seconds")
	}
	w := newWorld(t)
	w.cfg.Collect.Timeout = config.Duration{Duration: 3 * time.Second}
	c := running(w, "job", t.TempDir())
	pid := w.daemonOf("job")
	must(t, syscall.Kill(pid, syscall.SIGSTOP))
	c.stop()
	if err := c.poststop(); err != nil {
		t.Logf("poststop: %v", err)
	}
	r, err := w.run("job").Result()
	must(t, err)
	if _, ok := r.HashedFiles.Find("out"); !ok {
		t.Errorf("%+v", r)
	}
}

// Two containers on one root filesystem: the first one's end must not unmount the second one's view, which rmdir would do.
func TestContainersThatShareARootfs(t *testing.T) {
	w := newWorld(t)
	rootfs := t.TempDir()
	one := running(w, "one", rootfs)
	two := running(w, "two", rootfs)
	one.stop()
	must(t, one.poststop())
	if b, err := os.ReadFile(two.inside("workspace/hello")); err != nil || string(b) != "hello\n" {
		t.Fatalf("the other container lost its view: %q, %v", b, err)
	}
	two.stop()
	must(t, two.poststop())
	if left := names(t, rootfs); len(left) != 0 {
		t.Errorf("left in the root filesystem: %q", left)
	}
}

// Containers that come and go on one root filesystem, each with its own directories to make and remove.
func TestManyContainersOnOneRootfs(t *testing.T) {
	w := newWorld(t)
	rootfs := t.TempDir()
	var all []*container
	for i := range 16 {
		c := w.container(fmt.Sprintf("job-%d", i), rootfs)
		c.annotations[state.Target] = fmt.Sprintf("/data/%d/in", i%3)
		c.start(false)
		all = append(all, c)
	}
	var group sync.WaitGroup
	for i, c := range all {
		group.Go(func() {
			if err := c.create(); err != nil {
				t.Errorf("%s: %v", c.id, err)
				return
			}
			out := c.inside(fmt.Sprintf("data/%d/in/out", i%3))
			if err := os.WriteFile(out, []byte(c.id), 0o644); err != nil {
				t.Errorf("%s: %v", c.id, err)
			}
			c.stop()
			if err := c.poststop(); err != nil {
				t.Errorf("%s: %v", c.id, err)
			}
		})
	}
	group.Wait()
	for _, c := range all {
		r, err := w.run(rundir.RunKey(c.id)).Result()
		if err != nil {
			t.Error(err)
			continue
		}
		if e, ok := r.HashedFiles.Find("out"); !ok || e.Size != int64(len(c.id)) {
			t.Errorf("%s: %+v", c.id, r.HashedFiles)
		}
	}
	if left := names(t, rootfs); len(left) != 0 {
		t.Errorf("left in the root filesystem: %q", left)
	}
}

// Containers that ended without a poststop don't keep later ones from cleaning up, whoever made the directory.
func TestPoststopThatNeverCame(t *testing.T) {
	w := newWorld(t)
	rootfs := t.TempDir()
	two := running(w, "two", rootfs)
	one := running(w, "one", rootfs) // finds the directory there
	for _, c := range []*container{one, two} {
		c.stop()
		run := w.run(rundir.RunKey(c.id))
		waitFor(t, "the result", func() bool { return exists(run.ResultPath()) })
	}
	three := running(w, "three", rootfs)
	three.stop()
	must(t, three.poststop())
	if left := names(t, rootfs); len(left) != 0 {
		t.Errorf("left in the root filesystem: %q", left)
	}
	if a, err := w.run("two").Attachment(); err != nil || len(a.Created) != 0 {
		t.Errorf("still on record: %+v, %v", a, err)
	}
	must(t, two.poststop())
}
