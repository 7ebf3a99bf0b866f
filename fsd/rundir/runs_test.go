package rundir_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// The test binary is also another process that wants a run: `do-create STATE NAME` says what became of it and holds the
// run until its stdin ends.
func TestMain(m *testing.M) {
	if len(os.Args) != 4 || os.Args[1] != "do-create" {
		os.Exit(m.Run())
	}
	runs, err := rundir.OpenRuns(os.Args[2])
	if err == nil {
		_, _, err = runs.Create(rundir.Spec{Run: rundir.RunKey(os.Args[3]), Nonce: rundir.NewNonce()})
	}
	switch {
	case err == nil:
		fmt.Println("created")
	case errors.Is(err, rundir.ErrLocked):
		fmt.Println("locked")
	default:
		fmt.Println("error:", err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func openRuns(t *testing.T) (*rundir.Runs, string) {
	t.Helper()
	state := t.TempDir()
	runs, err := rundir.OpenRuns(state)
	if err != nil {
		t.Fatal(err)
	}
	return runs, state
}

func create(t *testing.T, runs *rundir.Runs, name string) (*rundir.Dir, *rundir.Lock) {
	t.Helper()
	d, l, err := runs.Create(rundir.Spec{Run: rundir.RunKey(name), Nonce: rundir.NewNonce(), Container: "c-" + name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return d, l
}

// Of several processes that create a run of one name at once exactly one gets it, whether an ended run is in the way or
// not.
func TestCreateFromSeveralProcesses(t *testing.T) {
	for _, ended := range []bool{false, true} {
		t.Run(fmt.Sprintf("ended%v", ended), func(t *testing.T) {
			runs, state := openRuns(t)
			if ended {
				_, l := create(t, runs, "job")
				l.Close()
			}
			const processes = 8
			got := map[string]int{}
			answers := make(chan string, processes)
			for range processes {
				cmd := exec.Command(os.Args[0], "do-create", state, "job")
				cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				defer func() { in.Close(); cmd.Wait() }()
				go func() {
					line, _ := bufio.NewReader(out).ReadString('\n')
					answers <- strings.TrimSpace(line)
				}()
			}
			for range processes {
				got[<-answers]++
			}
			if got["created"] != 1 || got["locked"] != processes-1 {
				t.Errorf("got %v", got)
			}
			entries, err := os.ReadDir(filepath.Join(state, "runs"))
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if ended {
				want = 2
			}
			if len(entries) != want {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

// An ended run keeps its result under NAME.<nonce> when its name is taken again.
func TestMovedAside(t *testing.T) {
	runs, _ := openRuns(t)
	first, l := create(t, runs, "job")
	if err := runs.BindContainer("c1", first); err != nil {
		t.Fatal(err)
	}
	if err := first.WriteResult([]byte(`{"schema": "casview.result/v1", "run": "first"}`)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	second, _ := create(t, runs, "job")
	if second.Key() != "job" {
		t.Errorf("key %s", second.Key())
	}
	old, err := runs.OfContainer("c1")
	if err != nil {
		t.Fatal(err)
	}
	if old.Key() == "job" || !strings.HasPrefix(string(old.Key()), "job.") || old.Spec().Run != "job" {
		t.Errorf("moved to %s, run %s", old.Key(), old.Spec().Run)
	}
	if r, err := old.Result(); err != nil || r.Run != "first" {
		t.Errorf("result %+v, %v", r, err)
	}
	list, err := runs.List()
	if err != nil || len(list) != 2 {
		t.Errorf("list %v, %v", list, err)
	}
}

// Whoever opened a run before its name passed on must not get the lock of the run that has the name now.
func TestLockAfterMovedAside(t *testing.T) {
	runs, _ := openRuns(t)
	stale, l := create(t, runs, "job")
	l.Close()
	_, l2 := create(t, runs, "job")
	if _, err := stale.TryLock(); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("while the new run lives: %v", err)
	}
	l2.Close()
	if _, err := stale.TryLock(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the new run: %v", err)
	}
}

func TestLock(t *testing.T) {
	runs, _ := openRuns(t)
	d, l := create(t, runs, "job")
	if _, _, err := runs.Create(rundir.Spec{Run: "job", Nonce: rundir.NewNonce()}); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("second run of a live name: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := d.WaitLock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait while held: %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { l.Close() })
	l2, err := d.WaitLock(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l2.Close()
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.TryLock(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("lock of a removed run: %v", err)
	}
}

func TestContainers(t *testing.T) {
	runs, state := openRuns(t)
	d, l := create(t, runs, "job")
	for _, id := range []string{"c1", "_odd+id", strings.Repeat("x", 300)} {
		if err := runs.BindContainer(id, d); err != nil {
			t.Fatal(err)
		}
		if got, err := runs.OfContainer(id); err != nil || got.Path() != d.Path() {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
	l.Close()
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	create(t, runs, "job")
	if _, err := runs.OfContainer("c1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a newer run of the same name: %v", err)
	}
	for range 2 {
		if err := runs.UnbindContainer("c1"); err != nil {
			t.Error(err)
		}
	}
	if list, _ := os.ReadDir(filepath.Join(state, "containers")); len(list) != 2 {
		t.Errorf("left: %v", list)
	}
}

func TestParseRunKey(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "build-17": true, "A.b_c-9": true, strings.Repeat("x", 128): true,
		"": false, ".": false, "..": false, ".new-x": false, "a/b": false, "a\n": false, "_a": false, "ä": false, strings.Repeat("x", 129): false,
	} {
		if _, err := rundir.ParseRunKey(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestFiles(t *testing.T) {
	runs, _ := openRuns(t)
	d, _ := create(t, runs, "job")
	if _, err := d.View(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("view before it is ready: %v", err)
	}
	view := rundir.View{PID: 7, Driver: "overlay", UserXattr: true, ReadyMS: 6.1}
	ended := rundir.Ended{Time: time.Now().UTC().Round(0), FuseRequests: map[string]uint64{"lookup": 3}}
	if err := errors.Join(d.WriteView(view), d.WriteEnded(ended)); err != nil {
		t.Fatal(err)
	}
	again, err := rundir.OpenPath(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.View(); err != nil || got != view {
		t.Errorf("view %+v, %v", got, err)
	}
	if got, err := again.Ended(); err != nil || !got.Time.Equal(ended.Time) || got.FuseRequests["lookup"] != 3 {
		t.Errorf("ended %+v, %v", got, err)
	}
	if _, err := d.Plan(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("plan: %v", err)
	}
}

// What a complete run does not need any more goes; its result, its log and what was asked for stay. Twice is as good as
// once.
func TestFreeStaging(t *testing.T) {
	runs, state := openRuns(t)
	for name, dir := range map[string]string{"inside": "", "elsewhere": filepath.Join(state, "staging")} {
		t.Run(name, func(t *testing.T) {
			d, l, err := runs.Create(rundir.Spec{Run: rundir.RunKey(name), Nonce: rundir.NewNonce(), StagingDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for _, p := range []string{d.UpperPath() + "/a/b", d.WorkPath() + "/work"} {
				if err := os.MkdirAll(p, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			r := result.Result{Run: name}
			data, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(d.WritePlan(data), d.WriteResult(data), os.WriteFile(d.LogPath(), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := d.FreeStaging(); err != nil {
					t.Fatal(err)
				}
			}
			var left []string
			entries, err := os.ReadDir(d.Path())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				left = append(left, e.Name())
			}
			if got := strings.Join(left, " "); got != "lock log result.json run.json" {
				t.Errorf("left: %s", got)
			}
		})
	}
}

func TestSpecRoundTrip(t *testing.T) {
	runs, _ := openRuns(t)
	spec := rundir.Spec{Run: "job", Nonce: rundir.NewNonce(), InputsRoot: cas.Sum(digest.SHA256, []byte("x")), Outputs: []string{"out/**"},
		Started: time.Now().UTC().Round(0), Timeout: 5 * time.Minute, Owner: rundir.Owner{UID: 1000, GID: 1001}}
	d, l, err := runs.Create(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	again, err := runs.Open("job")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", again.Spec()); got != fmt.Sprintf("%+v", d.Spec()) {
		t.Errorf("got %s, want %+v", got, d.Spec())
	}
	if info, err := os.Stat(d.Path()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
