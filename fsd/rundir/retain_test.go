package rundir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// ended makes a run with a result of some age.
func ended(t *testing.T, runs *rundir.Runs, name string, age time.Duration) *rundir.Dir {
	t.Helper()
	d, lock := create(t, runs, name)
	text, err := (&result.Result{Run: name, Status: result.Complete}).Encode()
	must(t, err)
	must(t, d.WriteResult(text))
	at := time.Now().Add(-age)
	must(t, os.Chtimes(d.ResultPath(), at, at))
	must(t, lock.Close())
	return d
}

func TestRemoveIfEnded(t *testing.T) {
	runs, _ := openRuns(t)
	day := time.Now().Add(-24 * time.Hour)
	old, young := ended(t, runs, "old", 48*time.Hour), ended(t, runs, "young", time.Hour)
	busy := ended(t, runs, "busy", 48*time.Hour)
	lock, err := busy.TryLock()
	must(t, err)
	defer lock.Close()
	live, _ := create(t, runs, "live")
	uncollected, free := create(t, runs, "uncollected")
	must(t, free.Close())

	for d, want := range map[*rundir.Dir]bool{old: true, young: false, busy: false, live: false, uncollected: false} {
		if got, err := d.Removable(day); got != want || err != nil {
			t.Errorf("%s: removable %v, %v, want %v", d.Key(), got, err, want)
		}
		if removed, err := d.RemoveIfEnded(day); removed != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", d.Key(), removed, err, want)
		}
		if _, err = os.Lstat(d.Path()); errors.Is(err, fs.ErrNotExist) != want {
			t.Errorf("%s: %v", d.Key(), err)
		}
	}
	if removed, err := old.RemoveIfEnded(day); removed || err != nil {
		t.Errorf("once more: %v, %v", removed, err)
	}
	torn := ended(t, runs, "torn", 48*time.Hour)
	must(t, os.Truncate(torn.ResultPath(), 10))
	long := time.Now().Add(-48 * time.Hour)
	must(t, os.Chtimes(torn.ResultPath(), long, long))
	if removed, err := torn.RemoveIfEnded(day); removed || err == nil {
		t.Errorf("a result that can't be read: %v, %v", removed, err)
	}
}

// A staging tree stays where a result is not complete. The run may go if all that is in it is stored, or can't be.
func TestRemoveWithStaging(t *testing.T) {
	written := time.Unix(1700000000, 5)
	file := func(d *rundir.Dir, path, content string) error {
		path = filepath.Join(d.UpperPath(), path)
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600), os.Chtimes(path, written, written))
	}
	for name, c := range map[string]struct {
		make func(d *rundir.Dir) error
		want bool
	}{
		"nothing":    {func(d *rundir.Dir) error { return os.MkdirAll(d.UpperPath(), 0o700) }, true},
		"stored":     {func(d *rundir.Dir) error { return file(d, "dir/out", "output") }, true},
		"undeclared": {func(d *rundir.Dir) error { return file(d, "scratch", "x") }, true},
		"fifo": {func(d *rundir.Dir) error {
			return errors.Join(os.MkdirAll(d.UpperPath(), 0o700), unix.Mkfifo(filepath.Join(d.UpperPath(), "f"), 0o600))
		}, true},
		"link": {func(d *rundir.Dir) error {
			return errors.Join(os.MkdirAll(d.UpperPath(), 0o700), os.Symlink("a", filepath.Join(d.UpperPath(), "link")))
		}, true},
		"lost": {func(d *rundir.Dir) error { return file(d, "dir/lost", "x") }, false},
		"lost link": {func(d *rundir.Dir) error {
			return errors.Join(os.MkdirAll(d.UpperPath(), 0o700), os.Symlink("a", filepath.Join(d.UpperPath(), "other")))
		}, false},
		"longer": {func(d *rundir.Dir) error { return file(d, "dir/out", "output and more") }, false},
		"later": {func(d *rundir.Dir) error {
			return errors.Join(file(d, "dir/out", "OUTPUT"), os.Chtimes(filepath.Join(d.UpperPath(), "dir/out"), time.Now(), time.Now()))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			runs, _ := openRuns(t)
			d := ended(t, runs, "run", 0)
			r := &result.Result{Run: "run", Status: result.Partial, Errors: []string{"the daemon died"}, Undeclared: []result.Path{"scratch"}, HashedFiles: result.Files{
				{Path: "dir", Kind: result.Dir}, {Path: "dir/out", Kind: result.File, Hash: cas.Sum(cas.SHA256, []byte("output")), Size: 6, MtimeSec: written.Unix(), MtimeNsec: 5},
				{Path: "link", Kind: result.Symlink, Target: "a"},
			}}
			text, err := r.Encode()
			must(t, err)
			must(t, errors.Join(d.WriteResult(text), c.make(d)))
			removed, err := d.RemoveIfEnded(time.Now().Add(time.Hour))
			if removed != c.want || errors.Is(err, rundir.ErrStaged) == c.want {
				t.Errorf("removed %v, %v", removed, err)
			}
		})
	}
}

func TestTidy(t *testing.T) {
	runs, state := openRuns(t)
	long := time.Now().Add(-48 * time.Hour)
	bound, gone := ended(t, runs, "bound", 0), ended(t, runs, "gone", 0)
	must(t, runs.BindContainer("c-bound", bound))
	must(t, runs.BindContainer("c-gone", gone))
	must(t, runs.BindContainer("c-justgone", gone))
	must(t, gone.Remove())
	for _, name := range []string{"runs/.new-old", "runs/.gone-old", "runs/.new-young"} {
		must(t, os.MkdirAll(filepath.Join(state, name, "staging/upper"), 0o700))
	}
	for _, name := range []string{"runs/.new-old", "runs/.gone-old", "containers/c-bound", "containers/c-gone"} {
		must(t, os.Chtimes(filepath.Join(state, name), long, long))
	}
	must(t, runs.Tidy(time.Now().Add(-time.Hour)))
	for name, want := range map[string]bool{"runs/.new-old": false, "runs/.gone-old": false, "runs/.new-young": true, "runs/bound": true,
		"containers/c-bound": true, "containers/c-gone": false, "containers/c-justgone": true} {
		if _, err := os.Lstat(filepath.Join(state, name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
}

// A run that begins is seen once, also where it has the name of one that was seen before.
func TestUnseen(t *testing.T) {
	runs, state := openRuns(t)
	seen := rundir.Seen{}
	want := func(names ...string) {
		t.Helper()
		paths, err := runs.Unseen(seen)
		must(t, err)
		got := map[string]bool{}
		for _, p := range paths {
			got[filepath.Base(p)] = true
		}
		if len(got) != len(names) {
			t.Errorf("got %v, want %v", got, names)
		}
		for _, n := range names {
			if !got[n] {
				t.Errorf("got %v, want %v", got, names)
			}
		}
	}
	ended(t, runs, "a", 0)
	_, live := create(t, runs, "b")
	must(t, os.WriteFile(filepath.Join(state, "runs/stray"), nil, 0o600))
	want("a", "b")
	want()
	must(t, live.Close())
	create(t, runs, "a")
	aside := "a." // the old one has another name now, and is looked at once more
	for _, d := range list(t, runs) {
		if d.Spec().Run == "a" && d.Key() != "a" {
			aside = string(d.Key())
		}
	}
	want("a", aside)
	want()
}

func list(t *testing.T, runs *rundir.Runs) []*rundir.Dir {
	t.Helper()
	all, err := runs.List()
	must(t, err)
	return all
}

func TestNoRunBeginsWhileItIsQuiet(t *testing.T) {
	runs, state := openRuns(t)
	other, err := rundir.OpenRuns(state)
	must(t, err)
	var quiet atomic.Bool
	began := make(chan bool)
	quietNow := make(chan struct{})
	go func() {
		<-quietNow
		_, lock, err := other.Create(rundir.Spec{Run: "late", Nonce: rundir.NewNonce(), Container: "c"})
		if err != nil {
			t.Error(err)
		} else {
			defer lock.Close()
		}
		began <- quiet.Load()
	}()
	must(t, runs.Quiet(func() error {
		quiet.Store(true)
		close(quietNow)
		time.Sleep(100 * time.Millisecond)
		if left := list(t, runs); len(left) > 0 {
			t.Errorf("%d runs began", len(left))
		}
		quiet.Store(false)
		return nil
	}))
	if <-began {
		t.Error("a run began while it was quiet")
	}
	if left := list(t, runs); len(left) != 1 {
		t.Errorf("%d runs", len(left))
	}
}

// A power cut tears run.json. Nobody can use that run any more, and it is in nobody's way.
func TestNameOfATornRun(t *testing.T) {
	runs, _ := openRuns(t)
	d := ended(t, runs, "job", 0)
	must(t, os.Truncate(filepath.Join(d.Path(), "run.json"), 0))
	if _, err := runs.Open("job"); err == nil || !strings.Contains(err.Error(), "remove "+d.Path()+" if nothing of it is wanted") {
		t.Error(err)
	}
	again, _ := create(t, runs, "job")
	if again.Key() != "job" {
		t.Errorf("it is called %s", again.Key())
	}
	all, err := runs.List()
	if len(all) != 1 || err == nil {
		t.Errorf("%d runs, %v; the torn one is kept aside", len(all), err)
	}
}
