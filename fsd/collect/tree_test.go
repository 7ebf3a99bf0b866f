package collect

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
)

// Whatever a job does to directories a, b and c, inputs and outputs together are what it left.
func TestRandomJobs(t *testing.T) {
	for _, user := range []bool{false, true} {
		testRandomJobs(t, newJob, 12, user)
	}
}

func testRandomJobs(t *testing.T, newJob func(t *testing.T, lower string) *job, seeds int, user bool) {
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed%d_user%v", seed, user), func(t *testing.T) {
			j := newJob(t, `for x in a b c; do for y in a b c; do mkdir -p $x/$y/a $x/$y/b; for z in a b c; do
				printf $x$y$z >$x/$y/a/$z; [ -e $x/$y/$z ] || printf $x$y$z >$x/$y/$z; done; done; done; ln -s a/b a/s`)
			j.user = user
			j.complete(j.work(fmt.Sprintf(`"$SELF" do-random %d`, seed)))
		})
	}
}

// In a user namespace marks are user.overlay.* and a renamed input directory is copied by mv.
func TestUserXattrs(t *testing.T) {
	j := newJob(t, lowerTree)
	j.user = true
	r := j.complete(j.work("rm -rf src/sub; mkdir src/sub; printf x >src/sub/x; mv keep kept; rm src/a.c"))
	equal(t, "hashed_files", j.lines(r.HashedFiles), []string{
		"dir 0750 kept", "file 0644 kept/k = k", "dir 0755 src/sub", "file 0644 src/sub/x = x",
	})
	equal(t, "deleted_inputs", strs(r.DeletedInputs),
		[]string{"keep", "keep/k", "src/a.c", "src/sub/deep", "src/sub/deep/d.c", "src/sub/s.c"})
}

// A job can set user.overlay.* itself where the view keeps its marks in trusted.overlay.*: that means nothing.
func TestForeignMarks(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work("touch src")
	j.must(unix.Setxattr(j.run.UpperPath()+"/src", "user.overlay.opaque", []byte("y"), 0))
	if r := j.complete(s); len(r.DeletedInputs) > 0 {
		t.Errorf("deleted_inputs %q", r.DeletedInputs)
	}
}

// A redirect that overlayfs itself would refuse is an error that names the directory.
func TestBadRedirect(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("mkdir out; touch src")
	j.must(unix.Setxattr(j.run.UpperPath()+"/out", "trusted.overlay.redirect", []byte("/src/../.."), 0))
	j.must(unix.Removexattr(j.run.UpperPath()+"/out", "trusted.overlay.opaque"))
	r := j.collect(Options{})
	if r.Status != result.Partial || !contains(r.Errors, "out: ") {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
}

// Renamed inputs are known by digest: nothing of them is read.
func TestRenamedDirIsNotHashed(t *testing.T) {
	j := newJob(t, lowerTree)
	r := j.complete(j.work("mv src new; printf 12345 >x"))
	if r.Stats.BytesHashed != 5 || r.Stats.BytesCopied != 0 {
		t.Errorf("%d bytes hashed, %d copied", r.Stats.BytesHashed, r.Stats.BytesCopied)
	}
}

// A renamed input whose blob is not in the store can't be delivered.
func TestRenamedDirWithMissingBlob(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("mv src new")
	gone := cas.Sum(j.store.Algorithm(), []byte("b"))
	j.must(os.Remove(j.store.Dir() + "/blobs/sha256/" + gone.Hex()[:2] + "/" + gone.Hex()))
	r := j.collect(Options{})
	if r.Status != result.Partial || !contains(r.Errors, "new/b.h: "+gone.String()+": not in the store") {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
	if _, ok := r.HashedFiles.Find("new/b.h"); ok {
		t.Error("new/b.h is listed")
	}
}

func TestLongPaths(t *testing.T) {
	for name, c := range map[string]struct{ depth, length int }{
		"path of 4000 bytes":           {19, 200},
		"names of 255 bytes":           {3, 255},
		"path longer than PATH_MAX":    {100, 250},
		"more levels than descriptors": {2500, 1},
	} {
		t.Run(name, func(t *testing.T) {
			limitFiles(t, 400)
			j := newJob(t, lowerTree)
			j.start()
			j.work(fmt.Sprintf(`mkdir %s side; cd side; "$SELF" do-deep %d %d; mkdir after; printf x >after/x`, strings.Repeat("n", 255), c.depth, c.length))
			r := j.collect(Options{})
			if r.Status != result.Complete {
				t.Fatalf("status %s: %.300q", r.Status, r.Errors)
			}
			path := "side/" + strings.Repeat(strings.Repeat("d", c.length)+"/", c.depth) + "end"
			if e, ok := r.HashedFiles.Find(path); !ok || e.Hash != cas.Sum(j.store.Algorithm(), []byte("end")) {
				t.Errorf("end is %+v", e)
			}
			if _, ok := r.HashedFiles.Find("side/after/x"); !ok || len(r.HashedFiles) != c.depth+5 {
				t.Errorf("%d entries", len(r.HashedFiles))
			}
			j.checkRoot(r)
			j.checkFreed()
		})
	}
}

// limitFiles lowers the limit of open descriptors for one test.
func limitFiles(t *testing.T, n uint64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: min(n, old.Max), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
}

func TestPathTooLong(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work(`printf x >x; "$SELF" do-deep 140 250`)
	r := j.collect(Options{})
	if r.Status != result.Partial || len(r.Errors) != 1 || !strings.Contains(r.Errors[0], "more than 32768 bytes") {
		t.Errorf("status %s, %.300q", r.Status, r.Errors)
	}
	if _, ok := r.HashedFiles.Find("x"); !ok {
		t.Error("x is lost")
	}
}

func TestTenThousandFiles(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work(`"$SELF" do-many 10000`)
	r := j.complete(s)
	if len(r.HashedFiles) != 10100 {
		t.Errorf("%d entries", len(r.HashedFiles))
	}
	t.Logf("collected in %.1f ms", r.Stats.CollectMS)
}

func contains(errs []string, part string) bool {
	for _, e := range errs {
		if strings.Contains(e, part) {
			return true
		}
	}
	return false
}
