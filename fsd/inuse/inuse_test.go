package inuse

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/gc"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sum(s string) cas.Digest { return cas.Sum(cas.SHA256, []byte(s)) }

func openRuns(t *testing.T) *rundir.Runs {
	t.Helper()
	runs, err := rundir.OpenRuns(t.TempDir())
	must(t, err)
	return runs
}

func begin(t *testing.T, runs *rundir.Runs, name string) *rundir.Dir {
	t.Helper()
	d, lock, err := runs.Create(rundir.Spec{Run: rundir.RunKey(name), Nonce: rundir.NewNonce(), Container: name, InputsRoot: sum(name + " inputs")})
	must(t, err)
	t.Cleanup(func() { lock.Close() })
	return d
}

// resultText is a result that names blobs by its own name.
func resultText(t *testing.T, name string) []byte {
	t.Helper()
	text, err := (&result.Result{Run: name, Status: result.Complete, InputsRoot: sum(name + " inputs"), OutputsRoot: sum(name + " outputs"),
		HashedFiles: result.Files{{Path: "out", Kind: result.File, Hash: sum(name + " out")}, {Path: "link", Kind: result.Symlink, Target: "out"}}}).Encode()
	must(t, err)
	return text
}

// roots are what use adds, as text: whose content it is, and "/" for a tree.
func roots(t *testing.T, use func(add func(gc.Root) error) error, names ...string) []string {
	t.Helper()
	known := map[cas.Digest]string{}
	for _, n := range names {
		for _, what := range []string{"inputs", "outputs", "out"} {
			known[sum(n+" "+what)] = n + " " + what
		}
	}
	var got []string
	must(t, use(func(r gc.Root) error {
		name := known[r.Digest]
		if name == "" {
			name = "text"
		}
		if r.Tree {
			name += "/"
		}
		got = append(got, name)
		if r.Of == "" {
			t.Errorf("%s is of nothing", name)
		}
		return nil
	}))
	slices.Sort(got)
	return slices.Compact(got)
}

func want(t *testing.T, got []string, names ...string) {
	t.Helper()
	slices.Sort(names)
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("got  %q\nwant %q", got, names)
	}
}

func TestRootsOfRuns(t *testing.T) {
	runs := openRuns(t)
	begin(t, runs, "live")
	collecting := begin(t, runs, "collecting")
	must(t, collecting.WritePlan(resultText(t, "plan")))
	ended := begin(t, runs, "ended")
	must(t, ended.WriteResult(resultText(t, "ended")))
	partial := begin(t, runs, "partial")
	must(t, errors.Join(partial.WriteResult(resultText(t, "partial")), partial.WritePlan(resultText(t, "partial plan"))))
	names := []string{"live", "collecting", "plan", "ended", "partial", "partial plan", "late"}

	u := New(runs, time.Time{}, nil)
	want(t, roots(t, u.Roots, names...), "live inputs/", "collecting inputs/", "plan inputs/", "plan outputs/", "plan out",
		"ended inputs/", "ended outputs/", "ended out", "partial inputs/", "partial outputs/", "partial out",
		"partial plan inputs/", "partial plan outputs/", "partial plan out", "text")
	begin(t, runs, "late")
	quiet := func(add func(gc.Root) error) error {
		return u.Quiet(func(begun []gc.Root) error {
			for _, r := range begun {
				must(t, add(r))
			}
			return nil
		})
	}
	want(t, roots(t, quiet, names...), "late inputs/")
	want(t, roots(t, quiet, names...))
	if len(u.Unreadable) > 0 {
		t.Error(u.Unreadable)
	}
}

// A run whose inputs are not there is in nobody's way until it is refused. Once it has a view they were there.
func TestRunsThatAreAboutToBeRefused(t *testing.T) {
	runs := openRuns(t)
	d := begin(t, runs, "run")
	for _, want := range []bool{true, false} {
		must(t, New(runs, time.Time{}, nil).Roots(func(r gc.Root) error {
			if r.Elsewhere != want {
				t.Errorf("%+v, want %v", r, want)
			}
			return nil
		}))
		must(t, d.WriteView(rundir.View{Driver: "overlay"}))
	}
}

// The result itself is a blob, by whatever algorithm the store had then.
func TestResultIsABlob(t *testing.T) {
	runs := openRuns(t)
	text := resultText(t, "ended")
	must(t, begin(t, runs, "ended").WriteResult(text))
	for _, a := range []digest.Algorithm{digest.SHA256, digest.BLAKE3} {
		found := false
		must(t, New(runs, time.Time{}, nil).Roots(func(r gc.Root) error {
			found = found || r.Digest == cas.Sum(a, text) && !r.Tree
			return nil
		}))
		if !found {
			t.Errorf("%s of the result is not in use", a)
		}
	}
}

// A power cut tears what was not synced: run.json, but never a result.
func TestTornRuns(t *testing.T) {
	runs := openRuns(t)
	torn, missing := begin(t, runs, "torn"), begin(t, runs, "missing")
	must(t, torn.WriteResult(resultText(t, "ended")))
	must(t, os.Truncate(filepath.Join(torn.Path(), "run.json"), 0))
	must(t, os.Remove(filepath.Join(missing.Path(), "run.json")))
	u := New(runs, time.Time{}, nil)
	want(t, roots(t, u.Roots, "ended", "torn"), "ended inputs/", "ended outputs/", "ended out", "text")
	must(t, u.Quiet(func(begun []gc.Root) error {
		if len(begun) > 0 {
			t.Errorf("begun: %v", begun)
		}
		return nil
	}))
	if len(u.Unreadable) != 2 || !strings.Contains(errors.Join(u.Unreadable...).Error(), "remove "+torn.Path()+" if nothing") {
		t.Errorf("unreadable: %q", u.Unreadable)
	}
}

// What a damaged result named is not known, so nothing may go.
func TestDamagedResult(t *testing.T) {
	for _, text := range []string{"", "{", `{"schema": "casview.result/v2"}`} {
		runs := openRuns(t)
		d := begin(t, runs, "ended")
		must(t, os.WriteFile(d.ResultPath(), []byte(text), 0o600))
		err := New(runs, time.Time{}, nil).Roots(func(gc.Root) error { return nil })
		if err == nil || !strings.Contains(err.Error(), d.ResultPath()) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "roots")
	use := func(add func(gc.Root) error) error { return Named(dir, add) }
	want(t, roots(t, use, "a", "b"))
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "base"), []byte(sum("a inputs").String()+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "sized"), []byte(sum("b inputs").String()+"/17"), 0o600))
	want(t, roots(t, use, "a", "b"), "a inputs/", "b inputs/")
	must(t, os.WriteFile(filepath.Join(dir, "wrong"), []byte("main\n"), 0o600))
	if err := use(func(gc.Root) error { return nil }); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "wrong")+": digest") {
		t.Error(err)
	}
	must(t, os.Remove(filepath.Join(dir, "wrong")))
	for name, make := range map[string]func(string) error{
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"fifo":   func(path string) error { return unix.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(dir, name)
		must(t, make(path))
		if err := use(func(gc.Root) error { return nil }); err == nil || !strings.Contains(err.Error(), path+": is not a regular file") {
			t.Error(err)
		}
		must(t, os.Remove(path))
	}
}

// Ended runs that are too old use nothing, and go when it is sure what the others use. One that can't go after all is in use.
func TestExpired(t *testing.T) {
	runs := openRuns(t)
	begin(t, runs, "live")
	end := func(name string, age time.Duration) *rundir.Dir {
		d, lock, err := runs.Create(rundir.Spec{Run: rundir.RunKey(name), Nonce: rundir.NewNonce(), Container: name, InputsRoot: sum(name + " inputs")})
		must(t, err)
		must(t, errors.Join(d.WriteResult(resultText(t, name)), lock.Close()))
		at := time.Now().Add(-age)
		must(t, os.Chtimes(d.ResultPath(), at, at))
		return d
	}
	old, young, staged, busy := end("old", 2*time.Hour), end("young", 0), end("staged", 2*time.Hour), end("busy", 2*time.Hour)
	must(t, os.MkdirAll(staged.UpperPath(), 0o700))
	must(t, os.WriteFile(filepath.Join(staged.UpperPath(), "lost"), nil, 0o600))
	names := []string{"live", "old", "young", "staged", "busy"}
	stay := []string{"live inputs/", "young inputs/", "young outputs/", "young out", "staged inputs/", "staged outputs/", "staged out", "text"}

	u := New(runs, time.Now().Add(-time.Hour), nil)
	want(t, roots(t, u.Roots, names...), slices.Clone(stay)...)
	if len(u.Expired) != 2 || len(u.Staged) != 1 || !strings.Contains(u.Staged[0].Error(), "run staged: outputs are still staged, like \"lost\"") {
		t.Errorf("expired %v, staged %v", u.Expired, u.Staged)
	}
	lock, err := busy.TryLock() // somebody collects it again
	must(t, err)
	defer lock.Close()
	want(t, roots(t, u.Expire, names...), "busy inputs/", "busy outputs/", "busy out", "text")
	if len(u.Expired) != 1 || u.Expired[0] != "old" || exists(old.Path()) || !exists(young.Path()) || !exists(busy.Path()) {
		t.Errorf("expired: %v", u.Expired)
	}
}
