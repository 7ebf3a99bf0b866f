// Package examples tests the example scripts: each runs as a user would run it, on a real engine, and what it says and
// leaves is checked.
package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRunc(t *testing.T) {
	work := tempDir(t)
	o := script{path: "runc/run", work: work}.succeed(t)
	all := results(t, work)
	if len(all) != 1 {
		t.Fatalf("%d results", len(all))
	}
	checkProject(t, all[0], filepath.Join(work, "result"))
	for _, want := range []string{all[0].InputsRoot.String(), "built 3 pages", "status:  complete", "absent:  title.local", "index.html: OK"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
}

func TestCrun(t *testing.T) {
	work := tempDir(t)
	needHost(t)
	script{before: plainCgroup2(t), path: "runc/run", env: []string{"RUNTIME=crun"}, work: work}.succeed(t)
	checkProject(t, results(t, work)[0], filepath.Join(work, "result"))
}

// Who catches the writes changes nothing that a user sees but its name.
func TestDriver(t *testing.T) {
	for _, driver := range []string{"overlay", "fuse"} {
		work := tempDir(t)
		script{path: "runc/run", env: []string{"DRIVER=" + driver}, work: work}.succeed(t)
		r := results(t, work)[0]
		checkProject(t, r, filepath.Join(work, "result"))
		if r.StagingDriver != driver {
			t.Errorf("DRIVER=%s: the result says %s (%s)", driver, r.StagingDriver, r.StagingReason)
		}
	}
}

func TestPodman(t *testing.T) {
	work := tempDir(t)
	script{path: "podman/run", env: podmanEnv(t, tempDir(t)), work: work}.succeed(t)
	checkProject(t, results(t, work)[0], filepath.Join(work, "result"))
}

// The same without root. A checkout may be in a place that the user can't read.
func TestPodmanRootless(t *testing.T) {
	needHost(t)
	openFuseDevice(t)
	u := newUser(t)
	run(t, "cp", "-r", "lib", "podman", "project", u.home)
	u.own(t)
	work := filepath.Join(u.home, "work")
	script{before: u.become("CASVIEW_WORK=" + work), path: filepath.Join(u.home, "podman/run")}.succeed(t)
	checkProject(t, results(t, work)[0], filepath.Join(work, "result"))
	var st unix.Stat_t
	must(t, unix.Stat(filepath.Join(work, "state/store"), &st))
	if int(st.Uid) != u.uid {
		t.Errorf("the store belongs to %d, not to user %d", st.Uid, u.uid)
	}
}

// A device is there while the example runs, and what it names counts.
func TestPodmanDevice(t *testing.T) {
	work, before := tempDir(t), namesIn("/etc/cdi")
	o := script{path: "podman/device", env: podmanEnv(t, tempDir(t)), work: work}.succeed(t)
	all := results(t, work)
	if len(all) != 1 {
		t.Fatalf("%d results", len(all))
	}
	checkProject(t, all[0], filepath.Join(work, "result"))
	for _, want := range []string{"built 3 pages", "casview.io/inputs=example-", "io.casview.inputs: the container asks for sha256:0000"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
	if strings.Contains(o.stdout, "the job ran") {
		t.Errorf("a container ran that must not:\n%s", o.stdout)
	}
	if after := namesIn("/etc/cdi"); after != before {
		t.Errorf("/etc/cdi held %s, now %s", before, after)
	}
}

// namesIn tells what is in a folder, and whether it is there.
func namesIn(dir string) string {
	entries, err := os.ReadDir(dir)
	return fmt.Sprint(entries, err)
}

// The job's exit code comes through, and a result is there all the same.
func TestPodmanJobThatFails(t *testing.T) {
	inputs := tempDir(t)
	writeFile(t, "#!/bin/sh\nmkdir out && echo why > out/log && exit 7\n", inputs, "build.sh")
	o := script{path: "podman/run", args: []string{inputs}, env: podmanEnv(t, tempDir(t))}.run(t)
	o.want(t, 7, "")
	if !strings.Contains(o.stdout, "file\tout/log\tsha256:") {
		t.Errorf("stdout: %s", o.stdout)
	}
}

// A container that did not run on its view is not taken for one that did.
func TestPodmanWithoutInputs(t *testing.T) {
	o := script{path: "podman/run", args: []string{"/nowhere"}, env: podmanEnv(t, tempDir(t))}.run(t)
	o.want(t, 1, "casview: ")
}

func TestContainerd(t *testing.T) {
	work := tempDir(t)
	address := startContainerd(t)
	env := []string{"CONTAINERD_ADDRESS=" + address, "CASVIEW_CLIENT=" + filepath.Join(shared.bin, "client")}
	script{path: "containerd/run", env: env, work: work}.succeed(t)
	all := results(t, work)
	if len(all) != 2 {
		t.Fatalf("%d results, want that of ctr and that of the client", len(all))
	}
	checkProject(t, all[0], filepath.Join(work, "result"))
	checkProject(t, all[1], filepath.Join(work, "result-go"))
	if left := ctr(t, address, "namespaces", "list", "--quiet"); left != "" {
		t.Errorf("left in containerd: %s", left)
	}
	cgroups, err := filepath.Glob("/sys/fs/cgroup/*/casview-*")
	must(t, err)
	if len(cgroups) > 0 {
		t.Errorf("left in the cgroups: %q", cgroups)
	}
}

func TestDocker(t *testing.T) {
	work := tempDir(t)
	script{path: "docker/run", work: work}.succeed(t)
	all := results(t, work)
	if len(all) != 1 {
		t.Fatalf("%d results", len(all))
	}
	checkProject(t, all[0], filepath.Join(work, "result"))
	left, err := filepath.Glob("/sys/fs/cgroup/*/casview-docker-*")
	must(t, err)
	shims, err := filepath.Glob("/run/containerd/runc/casview-docker-*")
	must(t, err)
	if left = append(left, shims...); len(left) > 0 {
		t.Errorf("left on the host: %q", left)
	}
}

// Docker passes the job's exit code on, and a result is there all the same.
func TestDockerJobThatFails(t *testing.T) {
	inputs := tempDir(t)
	writeFile(t, "#!/bin/sh\nmkdir out && echo why > out/log && exit 7\n", inputs, "build.sh")
	o := script{path: "docker/run", args: []string{inputs}}.run(t)
	o.want(t, 7, "")
	if !strings.Contains(o.stdout, "file\tout/log\tsha256:") {
		t.Errorf("stdout: %s", o.stdout)
	}
}

func TestContainerdThatIsNotThere(t *testing.T) {
	script{path: "containerd/run", env: []string{"CONTAINERD_ADDRESS=/nowhere/sock"}}.run(t).
		want(t, 1, "run: no containerd answers at /nowhere/sock")
}

// Without $CASVIEW_WORK everything goes away again; script.run looks for what is left.
func TestNothingStays(t *testing.T) {
	script{path: "runc/run"}.succeed(t)
	script{path: "podman/run", env: podmanEnv(t, tempDir(t))}.succeed(t)
}

func TestProgramsThatAreNotThere(t *testing.T) {
	script{path: "runc/run", env: []string{"CASVIEW_BIN=/nowhere"}}.run(t).
		want(t, 1, "run: /nowhere/casview is missing: run `make build`")
	script{path: "runc/run", env: []string{"RUNTIME=no-runtime"}}.run(t).want(t, 1, "run: no-runtime is missing")
	script{path: "ci/step", args: []string{"build", "/", "--", "true"}, env: []string{"CASVIEW_BIN=/nowhere"}}.run(t).
		want(t, 125, "step: /nowhere/casview is missing")
}
