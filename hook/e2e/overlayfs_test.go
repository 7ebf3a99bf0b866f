package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// onOverlayfs is what "auto" comes to where overlayfs refuses the state directory.
var onOverlayfs = staging{name: "overlayfs", driver: "fuse", data: "cached"}

// Inside a container the state directory is often on overlayfs, which takes no overlayfs as its upper layer. casview serves
// the job itself then, and says so. Whiteouts can't be devices there, but the result is the same.
func TestStateOnOverlayfs(t *testing.T) {
	for _, c := range []struct {
		name  string
		start func(*testing.T, setup) engine
	}{{"Runc", startRunc}, {"PodmanRootless", startPodmanRootless}} {
		t.Run(c.name, func(t *testing.T) {
			if !inPrivateMounts(t) {
				return
			}
			e := onOverlayfs.start(t, c.start)
			s := e.site()
			mountOverlayfs(t, s)
			t.Run("InputsChange", func(t *testing.T) { inputsChange(t, e) })
			t.Run("POSIX", func(t *testing.T) { posixOn(t, e, posixJob()) })
			s.noMounts(t)
		})
	}
}

// mountOverlayfs puts a site's state directory onto an overlayfs.
func mountOverlayfs(t *testing.T, s *site) {
	t.Helper()
	dir := tempDir(t, s.uid)
	for _, d := range []string{filepath.Join(dir, "lower"), filepath.Join(dir, "upper"), filepath.Join(dir, "work"), s.state} {
		must(t, os.Mkdir(d, 0o700))
		must(t, os.Chown(d, s.uid, s.uid))
	}
	must(t, unix.Mount("overlay", s.state, "overlay", 0, "lowerdir="+dir+"/lower,upperdir="+dir+"/upper,workdir="+dir+"/work"))
	t.Cleanup(func() { must(t, unix.Unmount(s.state, unix.MNT_DETACH)) })
}

func inputsChange(t *testing.T, e engine) {
	s := e.site()
	root := s.store(t,
		file{path: "gone", content: "gone\n"}, file{path: "again", content: "old\n"}, file{path: "moved", content: "moved\n"},
		file{path: "dir-gone/a", content: "a\n"}, file{path: "dir-again/old", content: "old\n"}, file{path: "dir-moved/sub/b", content: "b\n"},
		file{path: "dir-moved/c", content: "c\n"}, file{path: "kept/d", content: "d\n"}, file{path: "kept/e", content: "e\n"})
	name := unique("changes")
	o := succeed(t, e, sh(root, name, `
		rm gone
		rm again; echo new > again
		mv moved there
		rm -r dir-gone
		rm -r dir-again; mkdir dir-again; echo new > dir-again/new
		mv dir-moved dir-there; rm dir-there/c
		rm kept/d
		find . | sort
		cat again there dir-again/new dir-there/sub/b`))
	listed := ".\n./again\n./dir-again\n./dir-again/new\n./dir-there\n./dir-there/sub\n./dir-there/sub/b\n./kept\n./kept/e\n./there\nnew\nmoved\nnew\nb\n"
	if o.stdout != listed {
		t.Errorf("the job printed %q, expected %q (stderr %q)", o.stdout, listed, o.stderr)
	}
	got := s.complete(t, name)
	if why := got.StagingReason; !strings.HasPrefix(why, "auto: no overlay mount: ") || !strings.Contains(why, "not supported as upperdir") {
		t.Errorf("staging_reason %q", why)
	}
	wantPaths(t, "hashed_files", outputPaths(got), "again", "dir-again", "dir-again/new", "dir-there", "dir-there/sub", "dir-there/sub/b", "there")
	wantPaths(t, "modified_inputs", got.ModifiedInputs, "again")
	wantPaths(t, "deleted_inputs", got.DeletedInputs, "dir-again/old", "dir-gone", "dir-gone/a", "dir-moved", "dir-moved/c", "dir-moved/sub", "dir-moved/sub/b",
		"gone", "kept/d", "moved")
	for path, content := range map[string]string{"again": "new\n", "dir-again/new": "new\n", "dir-there/sub/b": "b\n", "there": "moved\n"} {
		wantInResult(t, s, got, path, want{kind: result.File, content: content})
	}
	nothingLeft(t, e, name)
}
