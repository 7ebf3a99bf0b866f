package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/fsd/result"
)

// A runtime that dies never calls poststop. The daemon collects by itself. Deleting the container later, which takes its
// cgroup away, changes nothing.
func TestPoststopNeverCalled(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	id := unique("c")
	w := startWaiting(t, r, job{inputs: root, run: unique("never"), id: id})
	must(t, w.engine.cmd.Process.Kill())
	w.kill(t)
	w.engine.wait(t)
	wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, w.name)), "ready")
	r.place.noProcesses(t)
	output(t, r.runtime(t, "delete", "--force", id))
	wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, w.name)), "ready")
	nothingLeft(t, r, w.name)
}

// A container that is made and never started, and one whose last hook fails, have no outputs but an end.
func TestCreatedButNeverStarted(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name, id := unique("created"), unique("c")
	cmd := r.runtime(t, "create", "--bundle", newBundle(t, r, sh(root, name, "echo the job ran > ran")), id)
	// A created container keeps the streams that `runc create` was given.
	must(t, cmd.Run())
	r.place.daemonOf(t, name)
	output(t, r.runtime(t, "delete", "--force", id))
	wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, name)))
	nothingLeft(t, r, name)
}

func TestAnotherHookFails(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name := unique("otherhook")
	j := sh(root, name, "echo the job ran > ran")
	j.edit = func(s *specs.Spec) {
		s.Hooks.CreateRuntime = append(s.Hooks.CreateRuntime, specs.Hook{Path: "/bin/false"})
	}
	if o := runJob(t, r, j); o.code == 0 {
		t.Errorf("exit 0: %s", o.stderr)
	}
	wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, name)))
	r.place.noProcesses(t)
	succeed(t, r, sh(root, name, "echo out > out"))
	wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, name)), "out")
	nothingLeft(t, r, name)
}

// The runtime kills a hook that takes longer than its timeout. The daemon that the hook started must see it, however late
// it comes up.
func TestHookKilledByItsTimeout(t *testing.T) {
	r := newRunc(t, nil)
	slow := filepath.Join(r.place.dir, "slow")
	must(t, os.Mkdir(slow, 0o755))
	must(t, os.Link(filepath.Join(shared.bin, "casview-hook"), filepath.Join(slow, "casview-hook")))
	script := writeFile(t, fmt.Sprintf("#!/bin/sh\nsleep 2\nexec %s/casview-fsd \"$@\"\n", shared.bin), slow, "casview-fsd")
	must(t, os.Chmod(script, 0o755))
	j := sh(r.place.store(t, file{path: "in", content: "in\n"}), unique("timeout"), "echo the job ran")
	timeout := 1 // second
	j.edit = func(s *specs.Spec) {
		ourHooks(s, func(h *specs.Hook) { h.Path = filepath.Join(slow, "casview-hook") })
		s.Hooks.CreateRuntime[0].Timeout = &timeout
	}
	o := runJob(t, r, j)
	if o.code == 0 || strings.Contains(o.stdout, "ran") {
		t.Errorf("the job ran: exit %d, %q", o.code, o.stdout)
	}
	time.Sleep(1500 * time.Millisecond)
	eventually(t, func() error {
		if left := names(t, filepath.Join(r.place.state, "runs")); len(left) > 0 {
			return fmt.Errorf("left behind: runs %q", left)
		}
		return nil
	})
	r.place.noRuns(t)
	if exists(filepath.Join(r.image, "workspace")) {
		t.Error("left behind: /workspace in the root filesystem")
	}
}

func TestPoststopTwice(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name, id := unique("again"), unique("c")
	j := sh(root, name, "echo out > out")
	j.id = id
	succeed(t, r, j)
	before, err := os.ReadFile(filepath.Join(r.place.runDir(name), "result.json"))
	must(t, err)
	for range 2 {
		if o := r.place.hook(t, "poststop", stoppedState(id, r.place.dir)); o.code != 0 || o.stderr != "" {
			t.Errorf("poststop again: exit %d, stderr %q", o.code, o.stderr)
		}
	}
	after, err := os.ReadFile(filepath.Join(r.place.runDir(name), "result.json"))
	must(t, err)
	if string(before) != string(after) {
		t.Error("the second poststop changed the result")
	}
	nothingLeft(t, r, name)
}

func TestPoststopOfAnUnknownContainer(t *testing.T) {
	s := newSite(t, 0, nil)
	if o := s.hook(t, "poststop", stoppedState("nobody-knows-me", s.dir)); o.code != 0 || o.stderr != "" {
		t.Errorf("exit %d, stderr %q; expected a quiet success", o.code, o.stderr)
	}
	s.noRuns(t)
}

// poststop gets an empty environment and some directory on most engines.
func TestPoststopWithoutEnvironment(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name := unique("bare")
	j := sh(root, name, "echo out > out")
	j.edit = withHookEnvironment([]string{})
	succeed(t, r, j)
	wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, name)), "out")
	nothingLeft(t, r, name)
}

// A debugger, or a container that shares the volume, keeps the view after the job's end. The result does not wait for
// ever, and says who it was.
func TestViewHeldAfterTheEnd(t *testing.T) {
	r := newRunc(t, setup{"collect": `timeout = "2s"`})
	root := r.place.store(t, file{path: "in", content: "in\n"})
	w := startWaiting(t, r, job{inputs: root, run: unique("held")})
	holder := exec.Command(find(t, "nsenter"), "--target", fmt.Sprint(w.pid(t)), "--mount", "/bin/busybox", "sleep", "1000")
	must(t, holder.Start())
	t.Cleanup(func() {
		_ = holder.Process.Kill()
		_ = holder.Wait()
	})
	eventually(t, func() error {
		ours, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", w.pid(t)))
		theirs, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", holder.Process.Pid))
		if err != nil || ours != theirs {
			return fmt.Errorf("the holder has not entered (%v)", err)
		}
		return nil
	})
	w.kill(t)
	w.engine.wait(t)
	got := r.place.result(t, w.name)
	if got.Status != result.Partial || !slices.ContainsFunc(got.Errors, func(s string) bool { return strings.Contains(s, fmt.Sprint(holder.Process.Pid)) }) {
		t.Errorf("status %s, errors %q; expected a partial result that names process %d", got.Status, got.Errors, holder.Process.Pid)
	}
	wantPaths(t, "hashed_files", outputPaths(got), "ready")
	must(t, holder.Process.Kill())
	_ = holder.Wait()
	// The target's directory stays in the root filesystem: removing it would have taken the view from the holder.
	r.place.noProcesses(t)
	r.place.noMounts(t)
}

// Two containers on one root filesystem: the first made the target's directory, and removing it must not take the second
// one's view with it.
func TestSharedRootfs(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	first := startWaiting(t, r, job{inputs: root, run: unique("first")})
	second := startWaiting(t, r, job{inputs: root, run: unique("second")})
	first.kill(t)
	first.engine.wait(t)
	r.place.complete(t, first.name)
	out, err := exec.Command(find(t, "nsenter"), "--target", fmt.Sprint(second.pid(t)), "--mount", "/bin/sh", "-c", "cat /workspace/in && echo late > /workspace/late").CombinedOutput()
	if err != nil || string(out) != "in\n" {
		t.Errorf("in the second container, after the first one ended: %q, %v", out, err)
	}
	second.kill(t)
	second.engine.wait(t)
	wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, second.name)), "late", "ready")
	nothingLeft(t, r, first.name)
	nothingLeft(t, r, second.name)
}

// hook calls casview-hook as an engine does.
func (s *site) hook(t *testing.T, stage, state string) outcome {
	t.Helper()
	cmd := s.command("casview-hook", "--config", s.config, stage)
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stdin = strings.NewReader(state)
	return run(t, cmd)
}

func stoppedState(id, bundle string) string {
	return fmt.Sprintf(`{"ociVersion":"1.0.2","id":%q,"status":"stopped","bundle":%q}`, id, bundle)
}
