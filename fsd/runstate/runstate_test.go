package runstate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

func newRun(t *testing.T, runs *rundir.Runs, name string) (*rundir.Dir, *rundir.Lock) {
	t.Helper()
	d, lock, err := runs.Create(rundir.Spec{Nonce: rundir.NewNonce(), Run: rundir.RunKey(name), Container: name + "-id", Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
	return d, lock
}

func openRuns(t *testing.T) *rundir.Runs {
	t.Helper()
	runs, err := rundir.OpenRuns(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func writeResult(t *testing.T, d *rundir.Dir, s result.Status) []byte {
	t.Helper()
	b, err := (&result.Result{Run: string(d.Spec().Run), Status: s}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteResult(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func wantState(t *testing.T, d *rundir.Dir, want State) {
	t.Helper()
	got, err := Of(d)
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestStateThroughARunsLife(t *testing.T) {
	d, lock := newRun(t, openRuns(t), "a")
	wantState(t, d, Live)
	if err := d.WriteEnded(rundir.Ended{Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	wantState(t, d, Collecting)
	lock.Close()
	wantState(t, d, Uncollected)
	for _, s := range []result.Status{result.Failed, result.Partial, result.Complete} {
		writeResult(t, d, s)
		wantState(t, d, State(s))
	}
}

func TestStateOfADamagedResult(t *testing.T) {
	for _, text := range []string{"", "{", `{"run": "a"}`, "[]"} {
		d, _ := newRun(t, openRuns(t), "a")
		if err := os.WriteFile(d.ResultPath(), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := Of(d); err == nil || !strings.Contains(err.Error(), d.ResultPath()) {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func TestResultIsSeenAtOnce(t *testing.T) {
	d, _ := newRun(t, openRuns(t), "a")
	h, err := Hold(d)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	wrote := make(chan time.Time, 1)
	go func() {
		time.Sleep(50 * time.Millisecond)
		b, _ := (&result.Result{Run: "a", Status: result.Complete}).Encode()
		_ = d.WriteResult(b)
		wrote <- time.Now()
	}()
	if _, err := h.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	if late := time.Since(<-wrote); late > 200*time.Millisecond {
		t.Errorf("seen %v late", late)
	}
}

func TestResultGivesUpWithTheContext(t *testing.T) {
	d, _ := newRun(t, openRuns(t), "a")
	h, err := Hold(d)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := h.Result(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestResultOfARemovedRun(t *testing.T) {
	d, _ := newRun(t, openRuns(t), "a")
	h, err := Hold(d)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Result(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// Whoever waits for a run gets its result, also when the name passed to a newer run in the meantime.
func TestHandleFollowsARunThatIsMovedAside(t *testing.T) {
	runs := openRuns(t)
	first, lock := newRun(t, runs, "a")
	h, err := Hold(first)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	want := writeResult(t, first, result.Partial)
	lock.Close()
	second, _ := newRun(t, runs, "a")
	writeResult(t, second, result.Complete)

	got, err := h.Result(t.Context())
	if err != nil || string(got) != string(want) {
		t.Errorf("got %s, %v", got, err)
	}
	path, err := h.Path(runs)
	if err != nil || path == second.Path() || !strings.HasPrefix(path, second.Path()+".") {
		t.Errorf("got %s, %v", path, err)
	}
	if _, err := Hold(first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("held the newer run for the older one: %v", err)
	}
}

func TestNextPassesOverTheOldRun(t *testing.T) {
	runs := openRuns(t)
	old, lock := newRun(t, runs, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := Next(ctx, runs, "a", old.Spec().Nonce); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	lock.Close()
	fresh, _ := newRun(t, runs, "a")
	h, err := Next(t.Context(), runs, "a", old.Spec().Nonce)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if h.Spec().Nonce != fresh.Spec().Nonce {
		t.Error("got another run")
	}
}

// After a container was refused its name does not stand for the run before.
func TestLookupAfterARefusal(t *testing.T) {
	runs := openRuns(t)
	d, lock := newRun(t, runs, "a")
	if err := runs.Refuse("a", "why"); err != nil {
		t.Fatal(err)
	}
	if got, err := Lookup(runs, "a"); err != nil || got.Path() != d.Path() {
		t.Errorf("a live run: %v, %v", got, err)
	}
	lock.Close()
	if _, err := Lookup(runs, "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an ended run: %v", err)
	}
	again, _ := newRun(t, runs, "a")
	if got, err := Lookup(runs, "a"); err != nil || got.Path() != again.Path() {
		t.Errorf("a run after that: %v, %v", got, err)
	}
}

func TestLookup(t *testing.T) {
	runs := openRuns(t)
	d, _ := newRun(t, runs, "a")
	if err := runs.BindContainer("_c+1", d); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "_c+1"} {
		if got, err := Lookup(runs, name); err != nil || got.Path() != d.Path() {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if err := runs.UnbindContainer("_c+1"); err != nil {
		t.Fatal(err)
	}
	if got, err := Lookup(runs, d.Spec().Container); err != nil || got.Path() != d.Path() {
		t.Errorf("container that ended: got %v, %v", got, err)
	}
	for _, name := range []string{"b", "../a", ""} {
		if _, err := Lookup(runs, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
