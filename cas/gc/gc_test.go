package gc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/ingest"
	"github.com/casview/casview/cas/tree"
)

// world is a store with trees that nothing used for a long time, and says itself what is in use.
type world struct {
	*testing.T
	store *cas.Local
	used  []Root
	// begun are the runs that each call of Quiet finds; then there are none.
	begun [][]Root
	err   error
	// expired counts calls of Expire; stayed is what that adds.
	expired int
	stayed  []Root
}

func (w *world) Roots(add func(Root) error) error {
	for _, r := range w.used {
		if err := add(r); err != nil {
			return err
		}
	}
	return w.err
}

func (w *world) Expire(add func(Root) error) error {
	w.expired++
	for _, r := range w.stayed {
		if err := add(r); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Quiet(fn func([]Root) error) error {
	var begun []Root
	if len(w.begun) > 0 {
		begun, w.begun = w.begun[0], w.begun[1:]
	}
	return fn(begun)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := cas.OpenLocal(filepath.Join(t.TempDir(), "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &world{T: t, store: s}
}

// tree stores a tree of the given files, each with its path for content but what is after "=".
func (w *world) tree(files ...string) cas.Digest {
	w.Helper()
	b := tree.NewBuilder(w.store)
	for _, f := range files {
		path, content, _ := strings.Cut(f, "=")
		if content == "" {
			content = path
		}
		if err := b.Add(path, tree.Entry{Kind: tree.File, Digest: w.put(content), Size: int64(len(content)), Mode: 0o644}); err != nil {
			w.Fatal(err)
		}
	}
	if err := b.Add("link", tree.Entry{Kind: tree.Symlink, Target: "nowhere"}); err != nil {
		w.Fatal(err)
	}
	root, _, err := b.Finish()
	if err != nil {
		w.Fatal(err)
	}
	w.age()
	return root
}

func (w *world) put(content string) cas.Digest {
	w.Helper()
	d, err := w.store.PutBytes([]byte(content))
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// age makes the times of access of all blobs old; their ctime the tests can't set, so their grace is below zero.
func (w *world) age() {
	w.Helper()
	long := unix.NsecToTimespec(time.Now().Add(-time.Hour).UnixNano())
	err := w.store.Each(func(d cas.Digest) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, w.file(d), []unix.Timespec{long, {Nsec: unix.UTIME_OMIT}}, 0)
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) file(d cas.Digest) string {
	return filepath.Join(w.store.Dir(), "blobs", d.Algorithm().String(), d.Hex()[:2], d.Hex())
}

const allIsOld = -time.Hour

func (w *world) collect(o Options) Report {
	w.Helper()
	r, err := Collect(context.Background(), w.store, w, o)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// all are the blobs that the store has.
func (w *world) all() []string {
	w.Helper()
	var all []string
	if err := w.store.Each(func(d cas.Digest) error { all = append(all, d.String()); return nil }); err != nil {
		w.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// wantTree checks that all of a tree is there.
func (w *world) wantTree(root cas.Digest) {
	w.Helper()
	err := tree.Walk(w.store, root, func(_ string, e tree.Entry, _ *tree.Directory) error {
		if e.Kind != tree.File {
			return nil
		}
		return w.store.Verify(e.Digest)
	})
	if err != nil {
		w.Error(err)
	}
}

func (w *world) wantGone(d cas.Digest) {
	w.Helper()
	if _, err := w.store.Size(d); !errors.Is(err, cas.ErrNotFound) {
		w.Errorf("%s is still there: %v", d, err)
	}
}

func TestWhatIsUsedStays(t *testing.T) {
	w := newWorld(t)
	used, shared := w.tree("a", "d/e/shared", "only used"), "d/e/shared"
	unused := w.tree("b", shared, "x/y/only unused")
	blob, loose := w.put("a result"), w.put("loose")
	w.age()
	w.used = []Root{{Digest: used, Tree: true}, {Digest: blob}, {Digest: cas.Sum(cas.BLAKE3, []byte("never stored"))}}
	before := len(w.all())

	dry := w.collect(Options{Grace: allIsOld, DryRun: true})
	if got := len(w.all()); got != before {
		t.Errorf("a dry run left %d blobs of %d", got, before)
	}
	r := w.collect(Options{Grace: allIsOld})
	w.wantTree(used)
	w.wantGone(unused)
	w.wantGone(loose)
	w.wantGone(cas.Sum(cas.SHA256, []byte("x/y/only unused")))
	if _, err := w.store.Size(blob); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(dry) != fmt.Sprint(r) {
		t.Errorf("the dry run said %+v, then it was %+v", dry, r)
	}
	if left := int64(len(w.all())); r.Kept != left || r.Removed != int64(before)-left || r.Bytes == 0 {
		t.Errorf("%+v, with %d blobs before and %d after", r, before, left)
	}
	if again := w.collect(Options{Grace: allIsOld}); again.Removed != 0 || again.Kept != r.Kept {
		t.Errorf("the second time: %+v", again)
	}
	if entries, err := os.ReadDir(filepath.Join(w.store.Dir(), "tmp")); err != nil || len(entries) > 0 {
		t.Errorf("left in tmp: %v, %v", entries, err)
	}
}

func TestWhatIsYoungStays(t *testing.T) {
	w := newWorld(t)
	root := w.tree("young")
	for _, grace := range []time.Duration{time.Minute, 24 * time.Hour} {
		if r := w.collect(Options{Grace: grace}); r.Removed > 0 {
			t.Errorf("grace %v: %+v", grace, r)
		}
	}
	w.wantTree(root)
}

// A run that began after the marking has its inputs, whenever it is found.
func TestRunsThatBegin(t *testing.T) {
	w := newWorld(t)
	first, second, unused := w.tree("1/a", "1/b"), w.tree("2/a", "1/b"), w.tree("3/a")
	w.begun = [][]Root{{{Digest: first, Tree: true}}, {{Digest: second, Tree: true}, {Digest: first, Tree: true}}}
	r := w.collect(Options{Grace: allIsOld})
	w.wantTree(first)
	w.wantTree(second)
	w.wantGone(unused)
	if left := int64(len(w.all())); r.Kept != left {
		t.Errorf("%+v, but %d blobs are left", r, left)
	}
}

// A collector that is killed leaves a store from which all can be read; the next one goes on as if it had not been.
func TestAfterOneThatDied(t *testing.T) {
	w := newWorld(t)
	used, unused := w.tree("used"), w.tree("unused")
	for _, d := range w.all() {
		d, err := digest.Parse(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := w.store.Condemn(d, time.Now().Add(time.Hour)); !ok || err != nil {
			t.Fatalf("Condemn = %v, %v", ok, err)
		}
	}
	w.wantTree(used)
	w.wantTree(unused)
	w.used = []Root{{Digest: used, Tree: true}}
	if r := w.collect(Options{Grace: time.Minute}); r.Removed > 0 {
		t.Errorf("what was put back is not young: %+v", r)
	}
	w.age()
	w.collect(Options{Grace: allIsOld})
	w.wantTree(used)
	w.wantGone(unused)
}

// Where it is not known what is in use nothing goes.
func TestUnknownUsers(t *testing.T) {
	w := newWorld(t)
	root := w.tree("a")
	w.err = errors.New("a result can't be read")
	r, err := Collect(context.Background(), w.store, w, Options{Grace: allIsOld})
	if !errors.Is(err, w.err) || r.Removed > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	w.wantTree(root)
	w.err = nil
	w.begun = [][]Root{{{Digest: root, Tree: true}}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Collect(ctx, w.store, w, Options{Grace: allIsOld}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	w.wantTree(root)
	if _, err := os.Lstat(filepath.Join(w.store.Dir(), "trash")); err == nil {
		if left, err := filepath.Glob(filepath.Join(w.store.Dir(), "trash/*/*/*")); err != nil || len(left) > 0 {
			t.Errorf("left in the trash: %v, %v", left, err)
		}
	}
}

// Where a tree in use is not whole nothing goes: what only the missing directory names looks as if nothing used it.
func TestBrokenTrees(t *testing.T) {
	w := newWorld(t)
	root, unused := w.tree("good/a", "lost/b", "damaged/c"), w.tree("unused")
	dir, err := tree.Load(w.store, root)
	if err != nil {
		t.Fatal(err)
	}
	child := func(name string) string {
		i, ok := dir.Find(name)
		if !ok {
			t.Fatal(name)
		}
		return w.file(dir.Entries[i].Digest)
	}
	lost, err := os.ReadFile(child("lost"))
	if err != nil {
		t.Fatal(err)
	}
	damaged, err := os.ReadFile(child("damaged"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(child("lost")), os.Chmod(child("damaged"), 0o600), os.WriteFile(child("damaged"), []byte("garbage"), 0o600)); err != nil {
		t.Fatal(err)
	}
	notDir, nowhere := w.put("no directory"), cas.Sum(cas.SHA256, []byte("nowhere"))
	w.used = []Root{{Digest: root, Tree: true, Of: "run 17"}, {Digest: notDir, Tree: true, Of: "run 18"}, {Digest: nowhere, Tree: true, Of: "run 19"}}
	w.age()
	before := len(w.all())
	for _, dry := range []bool{true, false} {
		r, err := Collect(context.Background(), w.store, w, Options{Grace: allIsOld, DryRun: dry})
		var broken *BrokenError
		if !errors.As(err, &broken) || len(broken.Causes) != 4 || !strings.Contains(err.Error(), "run 1") || !strings.HasSuffix(err.Error(), "and 1 more") {
			t.Errorf("%+v, %v", r, err)
		}
		if left := len(w.all()); left != before || w.expired > 0 || r.Removed > 0 {
			t.Errorf("%d blobs of %d are left, Expire was called %d times", left, before, w.expired)
		}
	}

	// A device may be another store's; one of this store's must be whole.
	w.used = []Root{{Digest: nowhere, Tree: true, Elsewhere: true}, {Digest: root, Tree: true, Elsewhere: true, Of: "device"}}
	if _, err := Collect(context.Background(), w.store, w, Options{Grace: allIsOld}); !errors.As(err, new(*BrokenError)) {
		t.Error(err)
	}
	if err := errors.Join(os.WriteFile(child("lost"), lost, 0o444), os.WriteFile(child("damaged"), damaged, 0o444)); err != nil {
		t.Fatal(err)
	}
	w.age()
	w.collect(Options{Grace: allIsOld})
	w.wantTree(root)
	w.wantGone(unused)
}

// What is too old goes when all else is known, and what of it has to stay is in use.
func TestExpire(t *testing.T) {
	w := newWorld(t)
	stays, unused := w.tree("stays"), w.tree("unused")
	w.stayed = []Root{{Digest: stays, Tree: true}}
	if w.collect(Options{Grace: allIsOld, DryRun: true}); w.expired > 0 {
		t.Error("a dry run lets things expire")
	}
	w.age()
	w.collect(Options{Grace: allIsOld})
	w.wantTree(stays)
	w.wantGone(unused)
	if w.expired != 1 {
		t.Errorf("expired %d times", w.expired)
	}
}

// A file's content may be a directory's message; then what that names is in use where a tree has it as a directory only.
func TestFileThatReadsAsDirectory(t *testing.T) {
	w := newWorld(t)
	inner := w.tree("inner")
	message, err := w.store.ReadBlob(inner, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	asFile := w.tree("copy=" + string(message))
	w.used = []Root{{Digest: asFile, Tree: true}, {Digest: inner, Tree: true}}
	w.collect(Options{Grace: allIsOld})
	w.wantTree(inner)
	w.used = w.used[:1]
	w.age()
	w.collect(Options{Grace: allIsOld})
	w.wantTree(asFile)
	w.wantGone(cas.Sum(cas.SHA256, []byte("inner")))
}

func TestOneAtATime(t *testing.T) {
	w := newWorld(t)
	unlock, err := w.store.LockCollector()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := Collect(context.Background(), w.store, w, Options{}); err == nil || !strings.Contains(err.Error(), "another collector") {
		t.Error(err)
	}
}

// The last ingest of each directory stays for 30 days, and indexes go with what they lead to.
func TestIngestedDirectories(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	write := func(content []byte) cas.Digest {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "f"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := ingest.Dir(context.Background(), w.store, dir, ingest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Root
	}
	first := write([]byte("first"))
	second := write(bytes.Repeat([]byte("large"), tree.LargeSize/4))
	w.age()
	w.collect(Options{Grace: allIsOld})
	w.wantGone(first)
	w.wantTree(second)
	if large := tree.LoadLarge(w.store, second); len(large) != 1 {
		t.Errorf("index of large files: %v", large)
	}

	long := time.Now().Add(-keepIndexed - time.Hour)
	for _, pattern := range []string{"index/*", "large/*/*"} {
		files, err := filepath.Glob(filepath.Join(w.store.Dir(), pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			if err := os.Chtimes(f, long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.age()
	w.collect(Options{Grace: allIsOld})
	w.wantGone(second)
	left := map[string]bool{}
	for _, pattern := range []string{"index/*", "large/*/*"} {
		files, _ := filepath.Glob(filepath.Join(w.store.Dir(), pattern))
		for _, f := range files {
			left[f] = true
		}
	}
	if len(left) > 0 {
		t.Errorf("left: %v", slices.Sorted(maps.Keys(left)))
	}
}
