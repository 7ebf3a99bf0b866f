package rundir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

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
	staged := ended(t, runs, "staged", 48*time.Hour)
	must(t, os.MkdirAll(staged.UpperPath(), 0o700))
	busy := ended(t, runs, "busy", 48*time.Hour)
	lock, err := busy.TryLock()
	must(t, err)
	defer lock.Close()
	live, _ := create(t, runs, "live")
	uncollected, free := create(t, runs, "uncollected")
	must(t, free.Close())

	for d, want := range map[*rundir.Dir]bool{old: true, young: false, staged: false, busy: false, live: false, uncollected: false} {
		for _, dry := range []bool{true, false} {
			removed, err := d.RemoveIfEnded(day, dry)
			if removed != want || err != nil {
				t.Errorf("%s: %v, %v, want %v", d.Key(), removed, err, want)
			}
			_, err = os.Lstat(d.Path())
			if gone := errors.Is(err, fs.ErrNotExist); gone != (want && !dry) {
				t.Errorf("%s, dry run %v: gone %v (%v)", d.Key(), dry, gone, err)
			}
		}
	}
	if removed, err := old.RemoveIfEnded(day, false); removed || err != nil {
		t.Errorf("once more: %v, %v", removed, err)
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
	runs, _ := openRuns(t)
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
