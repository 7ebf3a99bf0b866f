package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/trace"
)

// job is a run whose view is an overlayfs over a plain directory: what a view stages, without FUSE.
type job struct {
	t     *testing.T
	dir   string // lower/ and state/
	store *cas.Local
	spec  rundir.Spec
	run   *rundir.Dir
	user  bool // user.overlay.* marks
	env   []string
	// layers is where overlayfs has its upper when the run's staging tree can't be one: see transcribe.
	layers string
}

// newJob makes the lower directory with a shell script.
func newJob(t *testing.T, lower string) *job {
	t.Helper()
	return newJobIn(t, t.TempDir(), lower)
}

func newJobIn(t *testing.T, dir, lower string) *job {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting overlayfs needs root")
	}
	j := &job{t: t, dir: dir}
	j.must(os.MkdirAll(j.path("lower"), 0o755))
	j.shell(j.path("lower"), "umask 022\n"+lower)
	j.openStore(j.path("state/store"))
	return j
}

func (j *job) path(name string) string { return filepath.Join(j.dir, name) }

func (j *job) must(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
}

func (j *job) openStore(dir string) {
	j.t.Helper()
	s, err := cas.OpenLocal(dir, cas.SHA256)
	j.must(err)
	j.t.Cleanup(func() { s.Close() })
	j.store = s
}

func (j *job) shell(dir, script string) {
	j.t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Env = append(cmd.Env, j.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		j.t.Fatalf("%v\n%s\n%s", err, script, out)
	}
}

// importLower makes the input tree of the lower directory.
func (j *job) importLower() cas.Digest {
	j.t.Helper()
	b := tree.NewBuilder(j.store)
	top := j.path("lower")
	j.must(filepath.WalkDir(top, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		e := tree.Entry{Mode: st.Mode & permissions, MtimeSec: st.Mtim.Sec, MtimeNsec: int32(st.Mtim.Nsec)}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFDIR:
			e.Kind = tree.Dir
		case unix.S_IFLNK:
			e.Kind = tree.Symlink
			e.Target, err = os.Readlink(p)
		default:
			var content []byte
			if content, err = os.ReadFile(p); err == nil {
				e.Size = st.Size
				e.Digest, err = j.store.PutBytes(content)
			}
		}
		if err != nil {
			return err
		}
		return b.Add(strings.TrimPrefix(strings.TrimPrefix(p, top), "/"), e)
	}))
	root, _, err := b.Finish()
	j.must(err)
	return root
}

// start makes the run directory.
func (j *job) start() {
	j.t.Helper()
	runs, err := rundir.OpenRuns(j.path("state"))
	j.must(err)
	boot, err := bootID()
	j.must(err)
	j.spec.Nonce, j.spec.Run, j.spec.Container = rundir.NewNonce(), "job", "c1"
	j.spec.InputsRoot, j.spec.Target, j.spec.Started = j.importLower(), "/workspace", time.Now()
	if j.spec.BootID == "" {
		j.spec.BootID = boot
	}
	if j.spec.SpecialFiles == "" {
		j.spec.SpecialFiles = "skip"
	}
	j.spec.Store, j.spec.Digest = j.store.Dir(), "sha256"
	run, lock, err := runs.Create(j.spec)
	j.must(err)
	j.t.Cleanup(func() { lock.Close() })
	j.run = run
	j.must(run.WriteView(rundir.View{PID: os.Getpid(), Driver: "overlay", Reason: "auto", UserXattr: j.user, ReadyMS: 6.5}))
	j.recordTrace(func(*trace.Recorder) {})
	j.must(os.MkdirAll(run.UpperPath(), 0o755))
	j.must(os.MkdirAll(run.WorkPath(), 0o755))
}

func (j *job) recordTrace(fn func(*trace.Recorder)) {
	j.t.Helper()
	f, err := os.OpenFile(j.run.TracePath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	j.must(err)
	defer f.Close()
	rec := trace.NewRecorder(f)
	fn(rec)
	j.must(rec.Err())
}

// work runs the job's script in the view, in a mount namespace of its own, and returns what the view held afterwards.
func (j *job) work(script string) seen {
	j.t.Helper()
	if j.run == nil {
		j.start()
	}
	j.must(os.MkdirAll(j.path("merged"), 0o755))
	options, remount := "xino=on,index=off,metacopy=off,volatile,redirect_dir=on", ""
	if j.user {
		options = "xino=on,index=off,metacopy=off,userxattr"
		// In a user namespace two names of one file may have different inode numbers until they are looked up again (seen
		// on Linux 6.18).
		remount = `cd /; umount "$MERGED"; lay; cd "$MERGED"`
	}
	up, wk := j.run.UpperPath(), j.run.WorkPath()
	if j.layers != "" {
		up, wk = filepath.Join(j.layers, "upper"), filepath.Join(j.layers, "work")
		j.must(errors.Join(os.Mkdir(up, 0o755), os.Mkdir(wk, 0o755)))
	}
	j.env = append(j.env, "LOWER="+j.path("lower"), "UPPER="+up, "WORK="+wk,
		"MERGED="+j.path("merged"), "SEEN="+j.path("seen"), "SELF="+os.Args[0], "JOB="+script)
	j.shell(j.dir, `exec unshare -m --propagation private sh -ec '
		umask 022
		lay() { mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$UPPER,workdir=$WORK,`+options+`" "$MERGED"; }
		lay
		cd "$MERGED"
		sh -ec "$JOB"
		`+remount+`
		find . -mindepth 1 -printf "%P\0%y\0%m\0%T@\0%s\0%i\0%l\0" >"$SEEN"
		find . -type f -print0 | xargs -0 -r sha256sum -z >"$SEEN.sums" || :'`)
	if j.layers != "" {
		j.transcribe(up)
	}
	return readSeen(j.t, j.path("seen"))
}

func (j *job) end() {
	j.t.Helper()
	j.must(j.run.WriteEnded(rundir.Ended{Time: time.Now(), FuseRequests: map[string]uint64{"lookup": 10}}))
}

// collect ends the run and collects it.
func (j *job) collect(o Options) *result.Result {
	j.t.Helper()
	if !o.Keep {
		j.end()
	}
	return j.recollect(o)
}

func (j *job) recollect(o Options) *result.Result {
	j.t.Helper()
	r, err := Run(context.Background(), j.run, j.store, o)
	j.must(err)
	onDisk, err := j.run.Result()
	j.must(err)
	if a, b := encode(j.t, r), encode(j.t, onDisk); !bytes.Equal(a, b) {
		j.t.Fatalf("result.json differs from what Run returned\n%s\n%s", a, b)
	}
	return r
}

func encode(t *testing.T, r *result.Result) []byte {
	t.Helper()
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// complete collects, requires a complete result and checks it against what the view held.
func (j *job) complete(s seen) *result.Result {
	j.t.Helper()
	r := j.collect(Options{})
	if r.Status != result.Complete {
		j.t.Fatalf("status %s: %q", r.Status, r.Errors)
	}
	j.check(s, r)
	j.checkFreed()
	return r
}

func (j *job) checkFreed() {
	j.t.Helper()
	for _, p := range []string{j.run.UpperPath(), j.run.WorkPath(), j.run.TracePath()} {
		if _, err := os.Lstat(p); err == nil {
			j.t.Errorf("%s is still there", p)
		}
	}
	if _, err := j.run.Plan(); err == nil {
		j.t.Error("the plan is still there")
	}
}

// lines shows hashed_files for comparison: kind, mode, path, and what it holds.
func (j *job) lines(files result.Files) []string {
	j.t.Helper()
	var out []string
	for _, e := range files {
		s := fmt.Sprintf("%s %04o %s", e.Kind, e.Mode, e.Path)
		switch e.Kind {
		case result.Symlink, result.Hardlink:
			s += " -> " + e.Target
		case result.File:
			content, err := j.store.ReadBlob(e.Hash, 1<<20)
			j.must(err)
			s += " = " + string(content)
		}
		out = append(out, s)
	}
	return out
}

func strs(list []result.Path) []string {
	var out []string
	for _, p := range list {
		out = append(out, string(p))
	}
	return out
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\x00") != strings.Join(want, "\x00") {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
