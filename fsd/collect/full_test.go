package collect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// fill takes all room on the filesystem of dir, and returns what gives it back.
func fill(t *testing.T, dir string) (release func()) {
	t.Helper()
	file := filepath.Join(dir, "ballast")
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

func requireFull(t *testing.T, r *result.Result, status result.Status) {
	t.Helper()
	if r.Status != status || !contains(r.Errors, "disk full") || !contains(r.Errors, "casview-fsd collect job") {
		t.Errorf("status %s, errors %.500q", r.Status, r.Errors)
	}
}

// Store and run are on a filesystem that the job has filled: not even the plan can be written.
func TestDiskFullBeforePlan(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	dir := mountTmpfs(t, "16m")
	j := newJobIn(t, dir, lowerTree)
	s := j.work(`"$SELF" do-many 2000`)
	j.end()
	release := fill(t, dir)
	for range 2 {
		r := j.recollect(Options{})
		requireFull(t, r, result.Failed)
		if len(r.HashedFiles) > 0 {
			t.Errorf("%d outputs in a failed result", len(r.HashedFiles))
		}
	}
	release()
	r := j.recollect(Options{})
	if r.Status != result.Complete {
		t.Fatalf("errors %q", r.Errors)
	}
	j.check(s, r)
	j.checkFreed()
}

// The store is on another filesystem, which has room for some of the files.
func TestDiskFullWhileCopying(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	dir := mountTmpfs(t, "2m")
	j := newJob(t, lowerTree)
	j.openStore(filepath.Join(dir, "store"))
	s := j.work(`for i in 1 2 3 4 5 6 7 8; do head -c 400000 /dev/zero | tr '\0' $i >f$i; done; ln f8 l8; ln f1 l1; mv keep kept`)
	j.end()
	r := j.recollect(Options{})
	requireFull(t, r, result.Partial)
	if n := len(r.HashedFiles); n < 3 || n > 8 {
		t.Errorf("%d outputs", n)
	}
	for _, e := range r.HashedFiles {
		if e.Kind == result.File && e.Size > 0 {
			j.must(j.store.Verify(e.Hash))
		}
	}
	if len(r.Errors) > 3 {
		t.Errorf("one full disk gives %d errors: %q", len(r.Errors), r.Errors)
	}
	j.must(unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=16m"))
	r = j.recollect(Options{})
	if r.Status != result.Complete {
		t.Fatalf("errors %q", r.Errors)
	}
	if r.Stats.BytesCopied == 0 {
		t.Error("nothing was copied")
	}
	j.check(s, r)
	j.checkFreed()
}

// The files have moved, but neither the tree nor the result finds room: the plan brings them back later.
func TestDiskFullAfterAdopting(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	dir := mountTmpfs(t, "16m")
	j := newJobIn(t, dir, lowerTree)
	s := j.work(`"$SELF" do-many 3000`)
	j.end()
	var release func()
	r := j.recollect(Options{afterPlan: func() { release = fill(t, dir) }})
	requireFull(t, r, result.Failed)
	release()
	r = j.recollect(Options{})
	if r.Status != result.Complete {
		t.Fatalf("errors %q", r.Errors)
	}
	j.check(s, r)
	j.checkFreed()
}

// Staging on another filesystem than the store: files are copied, and gone afterwards.
func TestStagingOnAnotherFilesystem(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	j := newJob(t, lowerTree)
	j.spec.StagingDir = mountTmpfs(t, "16m")
	s := j.work(workJob)
	r := j.collect(Options{})
	if r.Stats.BytesCopied != 5 {
		t.Errorf("%d bytes copied", r.Stats.BytesCopied)
	}
	if r.Status != result.Complete {
		t.Fatalf("errors %q", r.Errors)
	}
	j.check(s, r)
}

// A file that is written to while it is read is not what anybody hashed.
func TestChangingFile(t *testing.T) {
	j := newJob(t, lowerTree)
	j.work("head -c 64000000 /dev/zero >big; printf x >x")
	file := j.run.UpperPath() + "/big"
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer f.Close()
		for i := int64(0); ; i++ {
			select {
			case <-stop:
				return
			default:
				_, _ = f.WriteAt([]byte{byte(i)}, i%64000000)
			}
		}
	}()
	r := j.collect(Options{Keep: true, Holders: []string{"process 1 (writer)"}})
	close(stop)
	<-done
	if r.Status != result.Partial || !contains(r.Errors, "big: the file changed") {
		t.Errorf("status %s, errors %q", r.Status, r.Errors)
	}
	equal(t, "hashed_files", j.lines(r.HashedFiles), []string{"file 0644 x = x"})
}

// A collector without any capability reads what belongs to its user, files of mode 0000 included.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	dir, err := os.MkdirTemp("/tmp", "casview-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "self")
	copyFile(t, os.Args[0], self)
	cmd := exec.Command(self, "do-unprivileged", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// collectUnprivileged makes a staging tree by hand, as a driver without root would, and collects it.
func collectUnprivileged(args []string) error {
	state := filepath.Join(args[0], "state")
	store, err := cas.OpenLocal(filepath.Join(state, "store"), cas.SHA256)
	if err != nil {
		return err
	}
	defer store.Close()
	runs, err := rundir.OpenRuns(state)
	if err != nil {
		return err
	}
	inputs := tree.NewBuilder(store)
	if err := inputs.Add("d/gone", tree.Entry{Kind: tree.Symlink, Target: "x"}); err != nil {
		return err
	}
	root, _, err := inputs.Finish()
	if err != nil {
		return err
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	run, _, err := runs.Create(rundir.Spec{Run: "job", Nonce: rundir.NewNonce(), InputsRoot: root, BootID: boot})
	if err != nil {
		return err
	}
	up := run.UpperPath()
	err = errors.Join(os.MkdirAll(up+"/d", 0o755), os.WriteFile(up+"/d/zero", []byte("0"), 0o600), os.Chmod(up+"/d/zero", 0),
		unix.Setxattr(up+"/d", "user.overlay.opaque", []byte("x"), 0), os.WriteFile(up+"/d/empty", nil, 0),
		os.WriteFile(up+"/d/gone", nil, 0o600), unix.Setxattr(up+"/d/gone", "user.overlay.whiteout", nil, 0),
		os.WriteFile(run.TracePath(), nil, 0o600), run.WriteView(rundir.View{Driver: "fuse", UserXattr: true}), run.WriteEnded(rundir.Ended{}))
	if err != nil {
		return err
	}
	r, err := Run(context.Background(), run, store, Options{})
	if err != nil {
		return err
	}
	if e, ok := r.HashedFiles.Find("d/empty"); !ok || e.Size != 0 || len(r.DeletedInputs) != 1 {
		return fmt.Errorf("deleted %q, empty file %+v", r.DeletedInputs, e)
	}
	if e, ok := r.HashedFiles.Find("d/zero"); r.Status != result.Complete || !ok || e.Mode != 0 || e.Hash != cas.Sum(cas.SHA256, []byte("0")) {
		return fmt.Errorf("%s %s %+v", r.Status, strings.Join(r.Errors, "; "), r.HashedFiles)
	}
	return nil
}
