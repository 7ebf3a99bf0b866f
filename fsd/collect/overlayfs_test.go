package collect

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/staging/upper"
)

// newJobOnOverlayfs makes a job whose state directory is on an overlayfs, as in many containers. Nothing there can be
// the upper of a second one, and no whiteout can be a device. The lower directory is not on it: overlayfs numbers
// inodes best when its layers are on one filesystem.
func newJobOnOverlayfs(t *testing.T, lower string) *job {
	t.Helper()
	top := t.TempDir()
	layers := []string{"container/lower", "container/upper", "container/work", "state", "job"}
	for i, name := range layers {
		layers[i] = filepath.Join(top, name)
		if err := os.MkdirAll(layers[i], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", layers[0], layers[1], layers[2])
	if err := unix.Mount("overlay", layers[3], "overlay", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(layers[3], unix.MNT_DETACH) })
	j := newJobIn(t, top, lower)
	j.layers = layers[4]
	return j
}

// transcribe writes what overlayfs has staged into the run's staging tree, as a driver does that makes the marks
// itself.
func (j *job) transcribe(from string) {
	j.t.Helper()
	source := upper.XattrsFor(j.user)
	work, err := os.Open(j.run.WorkPath())
	j.must(err)
	j.t.Cleanup(func() { work.Close() })
	w, err := upper.NewWriter(work)
	j.must(err)
	j.must(j.run.WriteView(rundir.View{PID: os.Getpid(), Driver: "fuse", UserXattr: w.Xattrs() == upper.User}))

	var files, dirs []string
	whiteouts := map[string][]string{} // by directory
	j.must(filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == from {
			return err
		}
		rel := strings.TrimPrefix(p, from+"/")
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		if is, err := source.IsWhiteout(nil, upper.Marks{}, "", &st); is || err != nil {
			parent, name := split(rel)
			whiteouts[parent] = append(whiteouts[parent], name)
			return err
		}
		files = append(files, rel)
		if d.IsDir() {
			dirs = append(dirs, rel)
		}
		return nil
	}))
	j.must(os.WriteFile(j.path("files"), []byte(strings.Join(files, "\x00")), 0o600))
	j.env = append(j.env, "FROM="+from, "FILES="+j.path("files"), "TO="+j.run.UpperPath())
	j.shell(j.dir, `tar -C "$FROM" --format=posix --no-recursion --null --verbatim-files-from -T "$FILES" -cf - |
		tar -C "$TO" -xpf -`)
	for _, dir := range append(dirs, "") {
		j.transcribeMarks(w, source, filepath.Join(from, dir), filepath.Join(j.run.UpperPath(), dir), whiteouts[dir])
	}
}

func (j *job) transcribeMarks(w upper.Writer, source upper.Xattrs, from, to string, whiteouts []string) {
	j.t.Helper()
	old, err := os.Open(from)
	j.must(err)
	defer old.Close()
	dir, err := os.Open(to)
	j.must(err)
	defer dir.Close()
	var st unix.Stat_t
	j.must(unix.Fstat(int(old.Fd()), &st))
	marks, err := source.Read(old)
	j.must(err)
	if marks.Opaque {
		j.must(w.SetOpaque(dir))
	}
	if marks.Redirect != "" {
		j.must(w.SetRedirect(dir, marks.Redirect))
	}
	for _, name := range whiteouts {
		j.must(w.Whiteout(dir, name))
		var st unix.Stat_t
		if err := unix.Fstatat(int(dir.Fd()), name, &st, 0); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
			j.t.Fatalf("%s is of mode %#o: this is no overlayfs", name, st.Mode)
		}
	}
	times := []unix.Timespec{st.Mtim, st.Mtim}
	j.must(unix.UtimesNanoAt(unix.AT_FDCWD, to, times, 0))
}

func TestOutputsOnOverlayfs(t *testing.T) {
	if inNamespace(t) {
		testOutputs(t, newJobOnOverlayfs)
	}
}

func TestRandomJobsOnOverlayfs(t *testing.T) {
	if inNamespace(t) {
		testRandomJobs(t, newJobOnOverlayfs, 12, false)
	}
}

func TestRandomJobsInUserNamespace(t *testing.T) {
	if inUserNamespace(t) {
		testRandomJobs(t, newJob, 4, true)
		testRandomJobs(t, newJobOnOverlayfs, 12, true)
	}
}

// Deleted inputs stay deleted for whoever takes up a collection, and for whoever looks before.
func TestAgainOnOverlayfs(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	j := newJobOnOverlayfs(t, lowerTree)
	s := j.work(workJob + "; rm -r empty")
	staged, err := Stage(t.Context(), j.run, j.store)
	j.must(err)
	j.end()
	j.interrupted(3)
	r := j.recollect(Options{})
	j.checkWork(s, r)
	equal(t, "staged deleted inputs", strs(staged.DeletedInputs), strs(r.DeletedInputs))
	if len(staged.Files) != len(r.HashedFiles) {
		t.Errorf("%d files were staged, %d are outputs", len(staged.Files), len(r.HashedFiles))
	}
}
