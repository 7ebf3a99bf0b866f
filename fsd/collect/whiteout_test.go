package collect

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// makeXattrWhiteout makes one by hand. Its directory is not marked.
func (j *job) makeXattrWhiteout(namespace, path string) {
	j.t.Helper()
	file := filepath.Join(j.run.UpperPath(), path)
	j.must(errors.Join(os.WriteFile(file, nil, 0o600), unix.Setxattr(file, namespace+".overlay.whiteout", []byte("y"), 0)))
}

func (j *job) setOpaque(namespace, path, value string) {
	j.t.Helper()
	j.must(unix.Setxattr(filepath.Join(j.run.UpperPath(), path), namespace+".overlay.opaque", []byte(value), 0))
}

// An empty file is a whiteout where it and its directory are marked in the view's namespace, and only there.
func TestXattrWhiteouts(t *testing.T) {
	for _, user := range []bool{false, true} {
		own, foreign := "trusted", "user"
		if user {
			own, foreign = foreign, own
		}
		t.Run(own, func(t *testing.T) {
			j := newJob(t, lowerTree)
			j.user = user
			j.work("touch src src/sub keep; mkdir made; printf x >src/full; : >src/empty; : >src/mine; : >made/mine")
			j.setOpaque(own, "", "x")
			j.makeXattrWhiteout(own, "empty")
			j.setOpaque(own, "src", "x")
			j.makeXattrWhiteout(own, "src/a.c")
			j.must(unix.Setxattr(j.run.UpperPath()+"/src/full", own+".overlay.whiteout", nil, 0))
			j.must(unix.Setxattr(j.run.UpperPath()+"/src/mine", foreign+".overlay.whiteout", nil, 0))
			j.setOpaque(own, "src/sub", "y")
			j.makeXattrWhiteout(own, "src/sub/s.c")
			j.makeXattrWhiteout(own, "keep/k") // not marked
			r := j.collect(Options{})
			equal(t, "errors", r.Errors, nil)
			equal(t, "hashed_files", j.lines(r.HashedFiles), []string{
				"file 0600 keep/k = ", "dir 0755 made", "file 0644 made/mine = ", "file 0644 src/empty = ",
				"file 0644 src/full = x", "file 0644 src/mine = ", "dir 0755 src/sub", "file 0600 src/sub/s.c = ",
			})
			equal(t, "modified_inputs", strs(r.ModifiedInputs), []string{"keep/k", "src/sub/s.c"})
			equal(t, "deleted_inputs", strs(r.DeletedInputs), []string{"empty", "src/a.c", "src/sub/deep", "src/sub/deep/d.c"})
		})
	}
}

// In a live view a directory may get its mark when collection has read its marks already.
func TestXattrWhiteoutsInLiveView(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("touch src; mkdir made; printf x >src/x; : >src/empty")
	j.makeXattrWhiteout("trusted", "src/a.c")
	s, err := Stage(t.Context(), j.run, j.store)
	j.must(err)
	r := j.collect(Options{Keep: true})
	for what, deleted := range map[string][]string{"staged": strs(s.DeletedInputs), "result": strs(r.DeletedInputs)} {
		equal(t, what+" deleted_inputs", deleted, []string{"src/a.c"})
	}
	equal(t, "hashed_files", j.lines(r.HashedFiles),
		[]string{"dir 0755 made", "file 0644 src/empty = ", "file 0644 src/x = x"})
}
