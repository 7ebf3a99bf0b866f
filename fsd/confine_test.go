package fsd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/holders"
	"github.com/casview/casview/fsd/holders/holderstest"
	"github.com/casview/casview/fsd/rundir"
)

// report is what a confined process finds out about itself.
type report struct {
	// Threads is what /proc says, one text for all threads that say the same.
	Threads []string
	// Did is what was tried, and the error.
	Did     map[string]string
	Holders []string
}

// confined confines itself to a run and tries things. Threads from before are there, and ones from after.
func confined(args []string) error {
	run, err := rundir.OpenPath(args[0])
	if err != nil {
		return err
	}
	store, err := OpenStore(run.Spec())
	if err != nil {
		return err
	}
	threads(8)
	if err := Confine(run.Spec(), run, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	threads(16)
	r := report{Did: map[string]string{}, Holders: holders.Of(run.Spec().MountSource())}
	if r.Threads, err = threadStates(); err != nil {
		return err
	}
	outside := filepath.Dir(filepath.Dir(run.Spec().Store))
	for _, try := range []struct {
		what string
		do   func() error
	}{
		{"read outside", func() error { _, err := os.ReadFile("/etc/passwd"); return err }},
		{"list outside", func() error { _, err := os.ReadDir("/"); return err }},
		{"write outside", func() error { return os.WriteFile(filepath.Join(outside, "new"), nil, 0o600) }},
		{"execute", func() error { _, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{}); return err }},
		{"mount", func() error { return unix.Mount("tmpfs", run.UpperPath(), "tmpfs", 0, "") }},
		{"change user", func() error { return syscall.Setuid(1) }},
		{"write to /proc", func() error { return os.WriteFile("/proc/self/comm", []byte("x"), 0) }},
		{"read /proc", func() error { _, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); return err }},
		{"write the run", func() error { return run.WriteResult([]byte("{}\n")) }},
		{"write the store", func() error { _, err := store.PutBytes([]byte("new")); return err }},
		{"read the store", func() error { _, err := store.ReadBlob(cas.Sum(cas.SHA256, []byte("input")), 10); return err }},
		{"adopt", func() error { return adopt(store, run.UpperPath(), "job's") }},
		{"read an xattr", func() error { return readTrusted(run.UpperPath()) }},
		{"remove staging", func() error { return run.FreeStaging() }},
	} {
		if err := try.do(); err != nil {
			r.Did[try.what] = err.Error()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// threads makes sure that there are n more.
func threads(n int) {
	for range n {
		started := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(started)
			select {}
		}()
		<-started
	}
}

func threadStates() ([]string, error) {
	tables, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tables) < 24 {
		return nil, fmt.Errorf("%d threads, %w", len(tables), err)
	}
	var all []string
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var state []string
		for line := range strings.Lines(string(b)) {
			if name, value, _ := strings.Cut(line, ":"); slices.Contains([]string{"CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs"}, name) {
				state = append(state, name+"="+strings.TrimLeft(strings.TrimSpace(value), "0"))
			}
		}
		all = append(all, strings.Join(state, " "))
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// adopt moves a file of another user, which nobody may read, into the store.
func adopt(store *cas.Local, dir, name string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	a, err := store.Adopt(d, name, cas.Sum(cas.SHA256, []byte("output")), cas.AdoptMove)
	if err == nil && !a.Moved {
		err = fmt.Errorf("not moved: %+v", a)
	}
	return err
}

func readTrusted(path string) error {
	_, err := unix.Getxattr(path, "trusted.overlay.opaque", make([]byte, 8))
	return err
}

func TestConfine(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs the capabilities that are to be dropped")
	}
	run, lock := confinedRun(t)
	defer lock.Close()
	pid := holderstest.Start(t, run.Spec().MountSource())
	var got report
	must(t, json.Unmarshal([]byte(helper(t, "do-confine", run.Path())), &got))

	// CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER and SYS_ADMIN.
	const state = "CapInh= CapPrm=20000f CapEff=20000f CapAmb= NoNewPrivs=1"
	if !slices.Equal(got.Threads, []string{state}) {
		t.Errorf("threads: %q, want %q", got.Threads, state)
	}
	if want := []string{fmt.Sprintf("process %d (sh)", pid)}; !slices.Equal(got.Holders, want) {
		t.Errorf("holders %q, want %q", got.Holders, want)
	}
	forbidden := []string{"change user"}
	if landlockABI() >= 2 {
		forbidden = append(forbidden, "read outside", "list outside", "write outside", "execute", "mount", "write to /proc")
	} else {
		t.Log("no Landlock here: only capabilities are looked at")
	}
	for _, what := range forbidden {
		if got.Did[what] == "" {
			t.Errorf("could %s", what)
		} else if !strings.HasSuffix(got.Did[what], "permission denied") && !strings.HasSuffix(got.Did[what], "operation not permitted") {
			t.Errorf("%s: %s", what, got.Did[what])
		}
	}
	for _, what := range []string{"read /proc", "write the run", "write the store", "read the store", "adopt", "read an xattr", "remove staging"} {
		if got.Did[what] != "" {
			t.Errorf("%s: %s", what, got.Did[what])
		}
	}
	store, err := OpenStore(run.Spec())
	must(t, err)
	defer store.Close()
	must(t, store.Verify(cas.Sum(cas.SHA256, []byte("output"))))
}

// confinedRun is a run with staged files that are not root's.
func confinedRun(t *testing.T) (*rundir.Dir, *rundir.Lock) {
	t.Helper()
	state := t.TempDir()
	runs, err := rundir.OpenRuns(state)
	must(t, err)
	run, lock, err := runs.Create(rundir.Spec{
		Nonce: rundir.NewNonce(), Run: "confined", Store: filepath.Join(state, "store"), Digest: "sha256",
	})
	must(t, err)
	store, err := OpenStore(run.Spec())
	must(t, err)
	defer store.Close()
	_, err = store.PutBytes([]byte("input"))
	must(t, err)
	must(t, os.MkdirAll(run.UpperPath(), 0o700))
	must(t, os.Mkdir(run.WorkPath(), 0o700))
	staged := filepath.Join(run.UpperPath(), "job's")
	must(t, os.WriteFile(staged, []byte("output"), 0))
	must(t, os.Lchown(staged, 1234, 5678))
	must(t, unix.Setxattr(run.UpperPath(), "trusted.overlay.opaque", []byte("y"), 0))
	must(t, os.Lchown(run.UpperPath(), 1234, 5678))
	return run, lock
}

// landlockABI is 0 where there is no Landlock.
func landlockABI() int {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	if errno != 0 {
		return 0
	}
	return int(abi)
}
