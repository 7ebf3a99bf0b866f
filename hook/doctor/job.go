package doctor

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// The job's one input and one output.
const (
	jobInput   = "in"
	jobOutput  = "out"
	jobContent = "casview doctor\n"
)

// jobTime bounds one container.
const jobTime = 2 * time.Minute

// DoJob is what runs in the container: it reads the declared input in dir and writes the output.
func DoJob(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, jobInput))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: this container runs without its view", err)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, jobOutput), b, 0o644)
}

// jobs runs a container in each engine that casview is installed into, and one with runc alone.
func (d *doctor) jobs(ctx context.Context, installed []string) {
	names := installed
	if d.Engine == "" && !d.rootless() && look("runc") != "" {
		names = append(names, "runc")
	}
	for _, name := range names {
		start, ok := jobCommands()[name]
		d.of(name, func(l *list) {
			if !ok {
				l.skip(Job, "a container of "+name+" can't be started from here")
				return
			}
			if cause := d.asleep(ctx, name); cause != "" {
				l.skip(Job, cause)
				return
			}
			d.job(ctx, l, name, start)
		})
	}
}

// asleep says that containerd does not run, which nobody may have asked for: it needs no installation of casview's, and
// comes with Docker.
func (d *doctor) asleep(ctx context.Context, name string) string {
	if name != "containerd" || d.Engine == name {
		return ""
	}
	if _, err := ask(ctx, "ctr", "--connect-timeout", "2s", "version"); err != nil {
		return "containerd does not answer: " + err.Error()
	}
	return ""
}

func (d *doctor) job(ctx context.Context, l *list, name string, start jobCommand) {
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	if cause := notStatic(d.casviewPath()); cause != "" {
		l.skip(Job, cause)
		return
	}
	what, err := d.runJob(ctx, name, start)
	if err != nil {
		l.broken(Job, err.Error(), "This is a job with one input and one output; others will not run either.",
			d.casview("doctor")+"   # mend what it names first")
		return
	}
	l.ok(Job, what)
}

// runJob runs the container through casview run and returns what is to be said of its result. A run whose result is not as
// it should be stays, with its log.
func (d *doctor) runJob(ctx context.Context, name string, start jobCommand) (what string, err error) {
	dir, err := os.MkdirTemp("", "casview-doctor-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	j := jobSite{
		dir: dir, rootfs: filepath.Join(dir, "rootfs"), inputs: filepath.Join(dir, "inputs"),
		run:  fmt.Sprintf("doctor-%s-%d", name, os.Getpid()),
		args: []string{"/casview", "doctor", "job", d.config.View.Target},
	}
	if err := j.make(d.casviewPath()); err != nil {
		return "", err
	}
	started := time.Now()
	if err := start(ctx, d, j); err != nil {
		return "", errors.Join(err, d.removeRun(j.run))
	}
	took := time.Since(started)
	r, err := result.Read(filepath.Join(d.config.State, "runs", j.run, "result.json"))
	if err == nil {
		err = checkJob(r)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("a job ran: driver %s, view ready in %.0f ms, outputs collected in %.0f ms, %d ms in all",
		r.StagingDriver, r.Stats.ReadyMS, r.Stats.CollectMS, took.Milliseconds()), d.removeRun(j.run)
}

func checkJob(r *result.Result) error {
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(jobContent)))
	e, ok := r.HashedFiles.Find(jobOutput)
	switch {
	case r.Status != result.Complete:
		return fmt.Errorf("the result is %s: %q", r.Status, r.Errors)
	case len(r.HashedFiles) != 1 || !ok:
		return fmt.Errorf("the result has %d outputs, not the one that the job made", len(r.HashedFiles))
	case e.Size != int64(len(jobContent)) || e.Hash.Algorithm().String() == "sha256" && e.Hash.Hex() != want:
		return fmt.Errorf("the output has the digest %s, not that of what the job wrote", e.Hash)
	case len(r.Inputs) != 1 || string(r.Inputs[0]) != jobInput:
		return fmt.Errorf("the trace says that the job read %q", r.Inputs)
	}
	return nil
}

// removeRun leaves nothing of the job but its small blobs in the store.
func (d *doctor) removeRun(name string) error {
	runs, err := rundir.OpenRuns(d.config.State)
	if err != nil {
		return err
	}
	run, err := runs.Open(rundir.RunKey(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return run.Remove()
}

func (d *doctor) casviewPath() string { return filepath.Join(d.Programs, "casview") }

// notStatic says why a program can't be all that a container has; "" if it can.
func notStatic(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return path + " is not static, and so can't be the job: build it with CGO_ENABLED=0"
		}
	}
	return ""
}
