package collect

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// workJob leaves one of everything whose traces the collection itself destroys.
const workJob = `mkdir -p out h; printf 1 >out/1; printf 2 >out/2; printf 3 >h/a; ln h/a h/b; ln h/a h/c; ln -s x out/l; chmod 0600 out/1 h/a
	printf A >src/a.c; rm -r src/sub; mkdir src/sub; printf S >src/sub/s.c; mv keep kept; touch -d @1.5 out h out/1`

var workFiles = []string{
	"dir 0755 h", "file 0600 h/a = 3", "hardlink 0600 h/b -> h/a", "hardlink 0600 h/c -> h/a", "dir 0750 kept", "file 0644 kept/k = k",
	"dir 0755 out", "file 0600 out/1 = 1", "file 0644 out/2 = 2", "symlink 0777 out/l -> x", "file 0755 src/a.c = A", "dir 0755 src/sub",
	"file 0644 src/sub/s.c = S",
}

// A daemon that had to end before the view did has told so: nobody knows what the job did after that.
func TestAgainAfterAHeldView(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("printf x >x")
	j.must(j.run.WriteEnded(rundir.Ended{Time: time.Now(), Held: true}))
	r := j.recollect(Options{})
	if r.Status != result.Partial {
		t.Errorf("status %s", r.Status)
	}
	equal(t, "errors", r.Errors, []string{wasHeld})
}

func (j *job) checkWork(s seen, r *result.Result) {
	j.t.Helper()
	if r.Status != result.Complete {
		j.t.Fatalf("status %s: %q", r.Status, r.Errors)
	}
	equal(j.t, "hashed_files", j.lines(r.HashedFiles), workFiles)
	j.check(s, r)
	j.checkFreed()
}

// A complete result stays as it is, to the byte.
func TestCollectTwice(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work(workJob)
	first := j.complete(s)
	j.checkWork(s, first)
	before, err := os.ReadFile(j.run.ResultPath())
	j.must(err)
	second := j.recollect(Options{})
	after, err := os.ReadFile(j.run.ResultPath())
	j.must(err)
	if string(before) != string(after) || string(encode(t, first)) != string(encode(t, second)) {
		t.Error("the result changed")
	}
}

// The collector is killed when its plan is on disk.
func TestKilledAfterPlan(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work(workJob)
	j.end()
	err := exec.Command(os.Args[0], "do-die", j.run.Path()).Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the collector did not die: %v", err)
	}
	if _, err := j.run.Plan(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.run.Result(); err == nil {
		t.Fatal("there is a result already")
	}
	j.checkWork(s, j.recollect(Options{}))
}

// interrupted does what Run does, until some of the files have moved. It returns the last of them.
func (j *job) interrupted(files int) (last *output) {
	j.t.Helper()
	c := &collection{run: j.run, store: j.store, spec: j.run.Spec(), log: slog.New(slog.DiscardHandler)}
	j.must(c.load())
	j.must(c.open())
	defer c.close()
	for _, step := range []func(context.Context) error{c.examine, c.hash, c.writePlan} {
		j.must(step(j.t.Context()))
	}
	for i := range c.outputs {
		if o := &c.outputs[i]; o.Kind == result.File && o.isStaged() && files > 0 {
			parent, _ := split(o.Path)
			dir, err := c.root.dir(parent)
			j.must(err)
			c.adoptFrom(j.t.Context(), dir, nil, []*output{o})
			j.must(errors.Join(o.err, dir.Close(), os.Remove(filepath.Join(j.run.UpperPath(), o.Path))))
			last = o
			files--
		}
	}
	return last
}

// Dying between the two steps of a move leaves a file with both names.
func TestInterruptedWhileMoving(t *testing.T) {
	for files := 1; files < 6; files++ {
		for name, boot := range map[string]string{"same boot": "", "after a restart": "another"} {
			t.Run(name, func(t *testing.T) {
				j := newJob(t, lowerTree)
				s := j.work(workJob)
				j.end()
				last := j.interrupted(files)
				blob := filepath.Join(j.store.Dir(), "blobs/sha256", last.Hash.Hex()[:2], last.Hash.Hex())
				j.must(os.Link(blob, filepath.Join(j.run.UpperPath(), last.Path)))
				if boot != "" {
					j.setBoot(boot)
				}
				j.checkWork(s, j.recollect(Options{}))
				var st unix.Stat_t
				if j.must(unix.Stat(blob, &st)); st.Nlink != 1 || st.Mode != unix.S_IFREG|0o444 {
					t.Errorf("the blob has mode %o and %d names", st.Mode, st.Nlink)
				}
			})
		}
	}
}

// The staging tree of a partial result stays, without the files that are blobs now.
func TestPartialResultLeavesNoNameOfABlob(t *testing.T) {
	j := newJob(t, lowerTree)
	j.spec.SpecialFiles = "fail"
	j.work(workJob + "; mkfifo out/fifo")
	r := j.collect(Options{})
	if r.Status != result.Partial {
		t.Fatalf("status %s: %q", r.Status, r.Errors)
	}
	if _, err := os.Lstat(filepath.Join(j.run.UpperPath(), "out/fifo")); err != nil {
		t.Error(err)
	}
	for _, e := range r.HashedFiles {
		if e.Kind != result.File {
			continue
		}
		var st unix.Stat_t
		j.must(unix.Stat(filepath.Join(j.store.Dir(), "blobs/sha256", e.Hash.Hex()[:2], e.Hash.Hex()), &st))
		if st.Nlink != 1 {
			t.Errorf("%s: the blob has %d names", e.Path, st.Nlink)
		}
	}
}

// Whenever it dies, the next one finishes.
func TestInterruptedWhileAdopting(t *testing.T) {
	for files := range 6 {
		for name, boot := range map[string]string{"same boot": "", "after a restart": "another"} {
			t.Run(name, func(t *testing.T) {
				j := newJob(t, lowerTree)
				s := j.work(workJob)
				j.end()
				j.interrupted(files)
				if boot == "" {
					j.checkWork(s, j.recollect(Options{}))
					return
				}
				j.setBoot(boot)
				r := j.recollect(Options{})
				if r.Status != result.Complete {
					t.Fatalf("%q", r.Errors)
				}
				j.checkWork(s, r)
			})
		}
	}
}

// setBoot makes the run one of an earlier boot.
func (j *job) setBoot(id string) {
	j.t.Helper()
	file := filepath.Join(j.run.Path(), "run.json")
	b, err := os.ReadFile(file)
	j.must(err)
	j.must(os.WriteFile(file, []byte(strings.Replace(string(b), j.spec.BootID, id, 1)), 0o600))
	j.run, err = rundir.OpenPath(j.run.Path())
	j.must(err)
}

// After a restart nothing is believed: neither what is still staged nor what is in the store.
func TestTornByRestart(t *testing.T) {
	t.Run("staged", func(t *testing.T) {
		j := newJob(t, lowerTree)
		j.work(workJob)
		j.end()
		j.interrupted(0)
		j.must(os.Truncate(j.run.UpperPath()+"/out/1", 0))
		j.setBoot("another")
		r := j.recollect(Options{})
		if r.Status != result.Partial || len(r.Errors) != 1 || !strings.HasPrefix(r.Errors[0], "out/1: it is not what was hashed before") {
			t.Errorf("status %s, errors %q", r.Status, r.Errors)
		}
		j.checkRoot(r)
	})
	t.Run("stored", func(t *testing.T) {
		j := newJob(t, lowerTree)
		j.work(workJob)
		j.end()
		j.interrupted(1) // h/a
		j.corrupt(cas.Sum(j.store.Algorithm(), []byte("3")))
		j.setBoot("another")
		r := j.recollect(Options{})
		if r.Status != result.Partial || len(r.Errors) != 3 || !strings.HasPrefix(r.Errors[0], "h/a: ") ||
			!strings.HasPrefix(r.Errors[1], "h/b: hardlink of h/a: ") {
			t.Errorf("status %s, errors %q", r.Status, r.Errors)
		}
		j.checkRoot(r)
	})
	t.Run("stored by somebody else", func(t *testing.T) {
		j := newJob(t, lowerTree)
		j.work(workJob)
		j.end()
		j.interrupted(0)
		d, err := j.store.PutBytes([]byte("1"))
		j.must(err)
		j.corrupt(d)
		j.setBoot("another")
		r := j.recollect(Options{})
		if r.Status != result.Partial || !contains(r.Errors, "out/1: the store's own copy is damaged") {
			t.Errorf("status %s, errors %q", r.Status, r.Errors)
		}
		if _, err := os.Lstat(j.run.UpperPath() + "/out/1"); err != nil {
			t.Errorf("the good copy is gone: %v", err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		j := newJob(t, lowerTree)
		j.work(workJob)
		j.end()
		j.interrupted(0)
		j.must(os.Remove(j.run.UpperPath() + "/out/2"))
		r := j.recollect(Options{})
		if r.Status != result.Partial || len(r.Errors) != 1 || !contains(r.Errors, "out/2: ") || !contains(r.Errors, "not in the store") {
			t.Errorf("status %s, errors %q", r.Status, r.Errors)
		}
	})
}

func (j *job) corrupt(d cas.Digest) {
	j.t.Helper()
	file := filepath.Join(j.store.Dir(), "blobs/sha256", d.Hex()[:2], d.Hex())
	j.must(os.Chmod(file, 0o644))
	j.must(os.WriteFile(file, []byte("?"), 0o644))
}

// Without a plan a restart means that even the hashes are of what is left.
func TestRestartedBeforeCollection(t *testing.T) {
	j := newJob(t, lowerTree)
	j.spec.BootID = "another"
	s := j.work(workJob)
	for range 2 {
		r := j.collect(Options{})
		if r.Status != result.Partial {
			t.Errorf("status %s", r.Status)
		}
		equal(t, "errors", r.Errors, []string{restarted})
		equal(t, "hashed_files", j.lines(r.HashedFiles), workFiles)
		j.check(s, r)
	}
}

// stagedFilesAreNoBlobs checks that whoever still has a staged file open can't write to a blob.
func (j *job) stagedFilesAreNoBlobs(r *result.Result) {
	j.t.Helper()
	files := 0
	for _, e := range r.HashedFiles {
		staged, err := os.Stat(filepath.Join(j.run.UpperPath(), e.Path))
		if e.Kind != result.File || err != nil { // an input that was moved is not staged
			continue
		}
		blob, err := j.store.Open(e.Hash)
		j.must(err)
		info, err := blob.Stat()
		blob.Close()
		j.must(err)
		if files++; os.SameFile(staged, info) {
			j.t.Errorf("%s is a blob", e.Path)
		}
	}
	if files == 0 {
		j.t.Error("no file is staged any more")
	}
}

// All that a dead daemon leaves unknown is what the job read.
func TestDaemonDied(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work(workJob)
	var ended result.Time
	for i := range 2 {
		r := j.recollect(Options{})
		if r.Status != result.Partial {
			t.Errorf("status %s", r.Status)
		}
		equal(t, "errors", r.Errors, []string{daemonDied})
		equal(t, "hashed_files", j.lines(r.HashedFiles), workFiles)
		j.check(s, r)
		j.stagedFilesAreNoBlobs(r)
		if i == 0 {
			ended = r.Ended
		} else if d := r.Ended.Sub(ended.Time).Abs().Milliseconds(); d > 1 {
			t.Errorf("the end moved by %d ms", d)
		}
	}
}

func TestDaemonDiedWithoutOutputs(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("cat src/a.c")
	if r := j.recollect(Options{}); r.Status != result.Partial {
		t.Errorf("status %s: nothing was lost", r.Status)
	}
}

// While somebody may still write, files are copied; when nobody does any more, the next collection is complete.
func TestKeep(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work(workJob)
	r := j.collect(Options{Keep: true, Holders: []string{"process 17 (gdb)", "process 4 (sh)"}})
	if r.Status != result.Partial {
		t.Errorf("status %s", r.Status)
	}
	equal(t, "errors", r.Errors, []string{stillHeld + ": process 17 (gdb)", stillHeld + ": process 4 (sh)"})
	equal(t, "hashed_files", j.lines(r.HashedFiles), workFiles)
	j.check(s, r)
	if r.Stats.BytesCopied == 0 {
		t.Error("nothing was copied")
	}
	b, err := os.ReadFile(j.run.UpperPath() + "/out/1")
	if err != nil || string(b) != "1" {
		t.Fatalf("staged file: %q, %v", b, err)
	}
	j.must(os.WriteFile(j.run.UpperPath()+"/out/1", []byte("later"), 0))
	r = j.collect(Options{})
	if r.Status != result.Complete {
		t.Fatalf("errors %q", r.Errors)
	}
	if e, _ := r.HashedFiles.Find("out/1"); e.Size != 5 {
		t.Errorf("out/1 is %+v", e)
	}
	j.checkFreed()
}

func TestKeepWithoutHolders(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("printf x >x")
	equal(t, "errors", j.collect(Options{Keep: true}).Errors, []string{stillHeld})
}

// A file that can't be read costs only itself, and is tried again the next time.
func TestUnreadableFile(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work(workJob)
	j.end()
	file := j.run.UpperPath() + "/h/a"
	j.must(unix.Setxattr(file, "trusted.overlay.metacopy", nil, 0)) // stands for any reason
	r := j.recollect(Options{})
	if r.Status != result.Partial || len(r.Errors) != 3 || !contains(r.Errors, "h/c: hardlink of h/a: ") {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
	if _, ok := r.HashedFiles.Find("out/1"); !ok || len(r.HashedFiles) != len(workFiles)-3 {
		t.Errorf("%d outputs", len(r.HashedFiles))
	}
	j.checkRoot(r)
	j.must(unix.Removexattr(file, "trusted.overlay.metacopy"))
	j.checkWork(s, j.recollect(Options{}))
}

func TestInputsRootMissing(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("printf x >x; printf A >src/a.c")
	hex := j.spec.InputsRoot.Hex()
	j.must(os.Remove(filepath.Join(j.store.Dir(), "blobs/sha256", hex[:2], hex)))
	r := j.collect(Options{})
	if r.Status != result.Partial || !contains(r.Errors, "inputs are not known") {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
	if _, ok := r.HashedFiles.Find("src/a.c"); !ok {
		t.Error("src/a.c is lost")
	}
}

func TestStagingMissing(t *testing.T) {
	j := newJob(t, lowerTree)
	j.start()
	j.must(os.RemoveAll(j.run.StagingPath()))
	r := j.collect(Options{})
	if r.Status != result.Failed || !contains(r.Errors, noStaging) {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
}

func TestReadOnlyView(t *testing.T) {
	j := newJob(t, lowerTree)
	j.spec.Driver = rundir.DriverNone
	j.start()
	j.must(os.RemoveAll(j.run.StagingPath()))
	r := j.collect(Options{})
	if r.Status != result.Complete || len(r.HashedFiles) != 0 || r.OutputsRoot.IsZero() {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
}

// A collection that runs out of time publishes nothing and loses nothing.
func TestCancelled(t *testing.T) {
	j := newJob(t, lowerTree)
	s := j.work(workJob)
	j.end()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, j.run, j.store, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	if _, err := Run(ctx, j.run, j.store, Options{afterPlan: cancel}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	j.checkWork(s, j.recollect(Options{}))
}
