package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// In a container with a user namespace the view belongs to the job's user as the container sees it.
func TestUserNamespace(t *testing.T) {
	const first = 200_000
	for _, e := range []engine{startRunc(t, nil), startCrun(t, nil)} {
		for _, user := range []struct {
			name     string
			uid, gid int
			want     string
		}{{"Root", 0, 0, "0:0\n"}, {"Other", 1234, 5678, "1234:5678\n"}} {
			s := e.site()
			t.Run(filepath.Base(e.(*bundleRuntime).program)+user.name, func(t *testing.T) {
				root := s.store(t, file{path: "dir/in", content: "in\n"})
				name := unique("userns")
				j := sh(root, name, "stat -c %u:%g dir/in; echo out > dir/out; stat -c %u:%g dir/out; echo more >> dir/in; rm -r dir; mkdir dir; echo new > dir/new")
				j.uid, j.gid, j.edit = user.uid, user.gid, withUserNamespace(first)
				j.rootfs = newRootfs(t, filepath.Join(s.dir, unique("rootfs")), first)
				o := succeed(t, e, j)
				if o.stdout != user.want+user.want {
					t.Errorf("owners %q, expected %q twice", o.stdout, user.want)
				}
				r := s.complete(t, name)
				wantPaths(t, "hashed_files", outputPaths(r), "dir", "dir/new")
				wantPaths(t, "deleted_inputs", r.DeletedInputs, "dir/in")
				nothingLeft(t, e, name)
			})
		}
	}
}

// A rootless user's store that the user may not read.
func TestUnreadableStore(t *testing.T) {
	e := startPodmanRootless(t, nil)
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"})
	blobs := filepath.Join(s.state, "store/blobs/sha256")
	for _, dir := range names(t, blobs) {
		must(t, os.Chown(filepath.Join(blobs, dir), 0, 0))
		must(t, os.Chmod(filepath.Join(blobs, dir), 0o700))
	}
	o := runJob(t, e, sh(root, unique("unreadable"), "echo the job ran"))
	if o.code == 0 || strings.Contains(o.stdout, "the job ran") {
		t.Errorf("the job ran: exit %d, stdout %q", o.code, o.stdout)
	}
	wantLine(t, o.stderr, "permission denied")
	s.noRuns(t)
}

func TestOwnerRoot(t *testing.T) {
	r := newRunc(t, setup{"view": `owner = "root"`})
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name := unique("ownerroot")
	j := sh(root, name, "stat -c %u:%g . in; cat in")
	j.uid, j.gid = 1234, 5678
	if o := succeed(t, r, j); o.stdout != "0:0\n0:0\nin\n" {
		t.Errorf("the job printed %q", o.stdout)
	}
	r.place.complete(t, name)
	nothingLeft(t, r, name)
}

// The hook under its name from before OCI 1.0.2.
func TestPrestart(t *testing.T) {
	for _, e := range []engine{startRunc(t, nil), startCrun(t, nil)} {
		s := e.site()
		root := s.store(t, file{path: "in", content: "in\n"})
		name := unique("prestart")
		j := sh(root, name, "cat in > out")
		j.edit = withPrestart
		succeed(t, e, j)
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, e, name)
	}
}

// Without a run annotation the run has the container's id, whatever characters are in it.
func TestContainerIDs(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	for _, id := range []string{"plain", "with.dot_and-dash", "_starts+odd", strings.Repeat("l", 200)} {
		t.Run(id, func(t *testing.T) {
			j := sh(root, "", "echo out > out")
			j.id = "x" + unique("")
			if id != "plain" {
				j.id = id
			}
			before := names(t, filepath.Join(r.place.state, "runs"))
			o := runJob(t, r, j)
			if strings.Contains(o.stderr, "invalid") {
				t.Skipf("runc refuses the id: %s", o.stderr)
			}
			if o.code != 0 {
				t.Fatalf("exit %d: %s", o.code, o.stderr)
			}
			after := names(t, filepath.Join(r.place.state, "runs"))
			if len(after) != len(before)+1 {
				t.Fatalf("runs %q, before %q", after, before)
			}
			for _, name := range after {
				if got := r.place.complete(t, name); got.Container == j.id {
					wantPaths(t, "hashed_files", outputPaths(got), "out")
					nothingLeft(t, r, name)
					return
				}
			}
			t.Errorf("no result names container %q", j.id)
		})
	}
}

// Run names are names of directories, so they are checked.
func TestRunNames(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	for name, good := range map[string]bool{
		"a": true, "A.b_c-1": true, strings.Repeat("n", 128): true,
		strings.Repeat("n", 129): false, "..": false, ".hidden": false, "a/b": false, "a b": false, "ü": false, "-a": false,
	} {
		o := runJob(t, r, sh(root, name, "echo the job ran"))
		if ran := o.code == 0 && o.stdout == "the job ran\n"; ran != good {
			t.Errorf("run name %.20q: exit %d, stderr %q", name, o.code, o.stderr)
		}
		if good {
			r.place.complete(t, name)
			nothingLeft(t, r, name)
		} else {
			wantLine(t, o.stderr, annRun)
		}
	}
}

// The target may be any allowed place, and its missing parents are made and removed.
func TestTargets(t *testing.T) {
	r := newRunc(t, setup{"view": `allowed_targets = ["/workspace", "/deep/**"]`})
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name := unique("target")
	j := job{inputs: root, run: name, annotations: map[string]string{annTarget: "/deep/er/place"}, args: []string{"/bin/sh", "-c", "cat /deep/er/place/in; echo out > /deep/er/place/out"}}
	if o := succeed(t, r, j); o.stdout != "in\n" {
		t.Errorf("the job printed %q", o.stdout)
	}
	got := r.place.complete(t, name)
	wantPaths(t, "hashed_files", outputPaths(got), "out")
	if got.Target != "/deep/er/place" {
		t.Errorf("target %q", got.Target)
	}
	nothingLeft(t, r, name)
	for _, dir := range names(t, r.image) {
		if dir == "deep" {
			t.Error("left behind: /deep in the root filesystem")
		}
	}
}

func TestOutputGlobs(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name := unique("globs")
	j := sh(root, name, "mkdir -p out/deep tmp; echo a > out/a; echo b > out/deep/b.o; echo c > tmp/c; echo d > d.o")
	j.annotations = map[string]string{annOutputs: `["out/**", "*.o"]`}
	succeed(t, r, j)
	got := r.place.complete(t, name)
	for _, p := range []string{"out/a", "out/deep/b.o", "d.o"} {
		wantEntry(t, got, p, "file")
	}
	if _, ok := got.HashedFiles.Find("tmp/c"); ok {
		t.Error("tmp/c was stored")
	}
	found := false
	for _, p := range got.Undeclared {
		found = found || p == "tmp/c"
	}
	if !found {
		t.Errorf("undeclared %q", got.Undeclared)
	}
	nothingLeft(t, r, name)
}

func TestSpecialFilesFail(t *testing.T) {
	r := newRunc(t, setup{"collect": "timeout = \"30s\"\nspecial_files = \"fail\""})
	root := r.place.store(t, file{path: "in", content: "in\n"})
	name := unique("special")
	succeed(t, r, sh(root, name, "mkfifo pipe; echo out > out"))
	got := r.place.result(t, name)
	if got.Status == "complete" || len(got.Errors) == 0 || !strings.Contains(strings.Join(got.Errors, "\n"), "pipe") {
		t.Errorf("status %s, errors %q", got.Status, got.Errors)
	}
}

// A root filesystem that can't be written to has a place for the view, or the container is refused.
func TestRootfsThatIsReadOnly(t *testing.T) {
	r := newRunc(t, nil)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	target := filepath.Join(r.image, "workspace")
	for _, there := range []bool{false, true} {
		if there {
			must(t, os.Mkdir(target, 0o755))
		}
		must(t, unix.Mount(r.image, r.image, "", unix.MS_BIND, ""))
		must(t, unix.Mount("", r.image, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		name := unique("readonly")
		j := sh(root, name, "cat in > out")
		o := runJob(t, r, j)
		must(t, unix.Unmount(r.image, unix.MNT_DETACH))
		if !there {
			wantLine(t, o.stderr, "target /workspace: ", ": read-only file system: make it in the image, or mount a volume")
			r.place.noRuns(t)
			continue
		}
		if o.code != 0 {
			t.Fatalf("exit %d: %s", o.code, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(r.place.complete(t, name)), "out")
		r.place.noProcesses(t)
		if !exists(target) {
			t.Error("the image's own directory was removed")
		}
	}
}
