package collect

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/trace"
)

const specialJob = `printf x >x; mkfifo pipe; mknod tty c 5 0; mknod loop b 7 0; rm src/a.c; mkfifo src/a.c
	perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("sock")) or die'`

// A fifo must not be opened: that would wait for a writer for ever.
func TestSpecialFiles(t *testing.T) {
	want := []result.Skipped{
		{Path: "loop", Type: "block device", Reason: "not a storable type"}, {Path: "pipe", Type: "fifo", Reason: "not a storable type"},
		{Path: "sock", Type: "socket", Reason: "not a storable type"}, {Path: "src/a.c", Type: "fifo", Reason: "not a storable type"},
		{Path: "tty", Type: "char device", Reason: "not a storable type"},
	}
	t.Run("skip", func(t *testing.T) {
		j := newJob(t, lowerTree)
		r := j.complete(j.work(specialJob))
		if !slices.Equal(r.Skipped, want) {
			t.Errorf("skipped %+v", r.Skipped)
		}
		equal(t, "hashed_files", j.lines(r.HashedFiles), []string{"file 0644 x = x"})
		equal(t, "modified_inputs", strs(r.ModifiedInputs), []string{"src/a.c"})
	})
	t.Run("fail", func(t *testing.T) {
		j := newJob(t, lowerTree)
		j.spec.SpecialFiles = "fail"
		j.work(specialJob)
		r := j.collect(Options{})
		if r.Status != result.Partial || len(r.Errors) != len(want) || !contains(r.Errors, `pipe: fifo: not allowed by special_files = "fail"`) {
			t.Errorf("status %s, errors %q", r.Status, r.Errors)
		}
		equal(t, "hashed_files", j.lines(r.HashedFiles), []string{"file 0644 x = x"})
	})
}

func TestGlobs(t *testing.T) {
	const script = `mkdir -p out/lib/deep tmp; printf 1 >out/a.o; printf 2 >out/lib/b.o; printf 3 >out/lib/deep/c; ln out/lib/b.o tmp/b; ln out/lib/b.o out/z.o
		printf 4 >tmp/x; printf A >src/a.c; rm src/b.h; mkfifo tmp/pipe; chmod 0700 src; ln -s a.o out/l`
	for name, c := range map[string]struct {
		globs                      []string
		files, undeclared, skipped []string
		hashed                     int64
	}{
		"by suffix": {
			globs: []string{"**/*.o"}, hashed: 2,
			files:      []string{"dir 0755 out", "file 0644 out/a.o = 1", "dir 0755 out/lib", "file 0644 out/lib/b.o = 2", "hardlink 0644 out/z.o -> out/lib/b.o"},
			undeclared: []string{"out/l", "out/lib/deep", "out/lib/deep/c", "src", "src/a.c", "tmp", "tmp/b", "tmp/pipe", "tmp/x"},
		},
		"a hardlink whose first name is not wanted": {
			globs: []string{"tmp/b"}, hashed: 1,
			files:      []string{"dir 0755 tmp", "file 0644 tmp/b = 2"},
			undeclared: []string{"out", "out/a.o", "out/l", "out/lib", "out/lib/b.o", "out/lib/deep", "out/lib/deep/c", "out/z.o", "src", "src/a.c", "tmp/pipe", "tmp/x"},
		},
		"a whole directory and one file": {
			globs: []string{"tmp/**", "src/*.c"}, hashed: 3, skipped: []string{"tmp/pipe"},
			files:      []string{"dir 0700 src", "file 0755 src/a.c = A", "dir 0755 tmp", "file 0644 tmp/b = 2", "file 0644 tmp/x = 4"},
			undeclared: []string{"out", "out/a.o", "out/l", "out/lib", "out/lib/b.o", "out/lib/deep", "out/lib/deep/c", "out/z.o"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, lowerTree)
			j.spec.Outputs = c.globs
			j.work(script)
			r := j.collect(Options{})
			if r.Status != result.Complete {
				t.Fatalf("errors %q", r.Errors)
			}
			equal(t, "hashed_files", j.lines(r.HashedFiles), c.files)
			equal(t, "undeclared", strs(r.Undeclared), c.undeclared)
			equal(t, "modified_inputs", strs(r.ModifiedInputs), []string{"src", "src/a.c"})
			equal(t, "deleted_inputs", strs(r.DeletedInputs), []string{"src/b.h"})
			var skipped []string
			for _, s := range r.Skipped {
				skipped = append(skipped, string(s.Path))
			}
			equal(t, "skipped", skipped, c.skipped)
			if r.Stats.BytesHashed != c.hashed {
				t.Errorf("%d bytes hashed, want %d", r.Stats.BytesHashed, c.hashed)
			}
			j.checkRoot(r)
		})
	}
	t.Run("not a glob", func(t *testing.T) {
		j := newJob(t, lowerTree)
		j.spec.Outputs = []string{"[", "x"}
		j.work("printf 1 >x")
		r := j.collect(Options{})
		if r.Status != result.Partial || !contains(r.Errors, `outputs: "[" is not a glob`) || len(r.HashedFiles) != 1 {
			t.Errorf("status %s, errors %q, files %v", r.Status, r.Errors, r.HashedFiles)
		}
	})
}

func TestTrace(t *testing.T) {
	j := newJob(t, lowerTree)
	j.start()
	missing := cas.Sum(j.store.Algorithm(), []byte("missing"))
	j.recordTrace(func(r *trace.Recorder) {
		for _, p := range []string{"src/a.c", "src/b.h", "src/sub/s.c"} {
			r.Read(p)
		}
		r.Listed("src")
		r.Listed("empty")
		for _, p := range []string{"src/x.h", "out", "out/new", "new/sub/s.c", "gone"} {
			r.Absent(p)
		}
		r.Fault("keep/k", missing, errors.New("not in the store"))
	})
	j.work("mkdir out; : >out/new; : >gone; rm gone; printf B >src/b.h; rm src/a.c; mkdir -p new; mv src/sub new/sub; rmdir empty")
	r := j.collect(Options{})
	equal(t, "inputs", strs(r.Inputs), []string{"src/a.c", "src/b.h", "src/sub/s.c"})
	equal(t, "listed", strs(r.Listed), []string{"empty", "src"})
	equal(t, "absent", strs(r.Absent), []string{"gone", "src/x.h"})
	equal(t, "errors", r.Errors, []string{"keep/k: " + missing.String() + ": not in the store"})
	if r.Status != result.Partial {
		t.Errorf("status %s", r.Status)
	}
}

func TestTraceMissing(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("printf x >x")
	j.must(os.Remove(j.run.TracePath()))
	r := j.collect(Options{})
	if r.Status != result.Partial || !contains(r.Errors, "trace: ") || len(r.HashedFiles) != 1 {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
}

// The head of the result: what was asked for, how it was made, what it cost.
func TestHeader(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("printf 12345 >x")
	r := j.collect(Options{})
	if r.Run != "job" || r.Container != "c1" || r.InputsRoot != j.spec.InputsRoot || r.Target != "/workspace" ||
		r.StagingDriver != "overlay" || r.StagingReason != "auto" {
		t.Errorf("%+v", r)
	}
	if !r.Started.Equal(j.spec.Started) || r.Ended.Before(r.Started.Time) {
		t.Errorf("started %v, ended %v", r.Started, r.Ended)
	}
	if s := r.Stats; s.ReadyMS != 6.5 || s.CollectMS <= 0 || s.BytesHashed != 5 || s.BytesCopied != 0 || s.FuseRequests["lookup"] != 10 {
		t.Errorf("%+v", s)
	}
	stored, err := j.store.ReadBlob(cas.Sum(j.store.Algorithm(), encode(t, r)), 1<<20)
	if err != nil || string(stored) != string(encode(t, r)) {
		t.Errorf("the result is not a blob: %v", err)
	}
}

func TestOptionsOverRunDirectory(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("printf x >x")
	ended := time.Now().Add(-time.Minute).Round(time.Millisecond)
	r := j.recollect(Options{Ended: rundir.Ended{Time: ended, FuseRequests: map[string]uint64{"read": 3}}})
	if r.Status != result.Complete || !r.Ended.Equal(ended) || r.Stats.FuseRequests["read"] != 3 {
		t.Errorf("%s %v %v, %q", r.Status, r.Ended, r.Stats.FuseRequests, r.Errors)
	}
}

func TestTraceThatStopped(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("printf x >x")
	r := j.recollect(Options{Ended: rundir.Ended{Time: time.Now(), TraceError: "write trace: no space left on device"}})
	if r.Status != result.Partial || len(r.Errors) != 1 || !strings.Contains(r.Errors[0], "no space left on device") {
		t.Errorf("%s %q", r.Status, r.Errors)
	}
}

// A tree may have more paths than can be listed: one directory may stand in any number of places.
func TestTooManyInputsToList(t *testing.T) {
	for name, script := range map[string]string{"gone": "rm -r src", "moved": "mv src new", "replaced": "rm -r src; mkdir src"} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, lowerTree)
			j.spec.MaxInputs = 3
			j.work(script)
			r := j.collect(Options{})
			var errs []string
			for _, e := range r.Errors {
				if strings.Contains(e, "more than 3 inputs are gone or moved (policy.max_inputs): the rest is not listed") {
					errs = append(errs, e)
				}
			}
			if r.Status == result.Complete || len(errs) == 0 || len(r.DeletedInputs) > 3 {
				t.Errorf("%s %q, deleted %q", r.Status, r.Errors, r.DeletedInputs)
			}
		})
	}
}

func TestStage(t *testing.T) {
	j := newJob(t, lowerTree)
	j.spec.Outputs = []string{"new/**", "h*", "pipe"}
	j.work("mv src new; printf 1 >h1; ln h1 h2; printf 2 >other; mkfifo pipe; rm -r empty; printf K >keep/k")
	s, err := Stage(t.Context(), j.run, j.store)
	j.must(err)
	var got []string
	for _, e := range s.Files {
		line := string(e.Kind) + " " + e.Path
		if e.StagingPath != "" {
			rel, err := filepath.Rel(j.run.UpperPath(), e.StagingPath)
			j.must(err)
			line += " at " + rel
			if !e.Hash.IsZero() {
				t.Errorf("%s has a hash", e.Path)
			}
		}
		got = append(got, line)
	}
	equal(t, "files", got, []string{"file h1 at h1", "hardlink h2 at h2", "dir new", "file new/a.c", "file new/b.h", "symlink new/link",
		"dir new/sub", "dir new/sub/deep", "file new/sub/deep/d.c", "file new/sub/s.c"})
	equal(t, "undeclared", strs(s.Undeclared), []string{"keep/k", "other"})
	equal(t, "modified", strs(s.ModifiedInputs), []string{"keep/k"})
	equal(t, "deleted", strs(s.DeletedInputs), []string{"empty", "src", "src/a.c", "src/b.h", "src/link", "src/sub", "src/sub/deep", "src/sub/deep/d.c", "src/sub/s.c"})
	equal(t, "errors", s.Errors, nil)
	var st unix.Stat_t
	j.must(unix.Stat(filepath.Join(j.run.UpperPath(), "h1"), &st))
	if _, err := j.run.Result(); err == nil || st.Nlink != 2 {
		t.Error("looking changed something")
	}
}
