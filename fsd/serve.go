package fsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/collect"
	"github.com/casview/casview/fsd/holders"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/staging"
	"github.com/casview/casview/fsd/staging/merged"
	"github.com/casview/casview/fsd/trace"
	"github.com/casview/casview/fsd/view"
)

// Daemon serves one run.
type Daemon struct {
	run     *rundir.Dir
	store   *cas.Local
	view    *view.View
	events  *trace.Recorder
	session *staging.Session
	made    rundir.View
	log     *slog.Logger
}

// Start makes the view of a run. On error nothing is mounted; what was written to the run directory is the starter's to
// remove.
func Start(run *rundir.Dir, log *slog.Logger) (*Daemon, error) {
	store, err := OpenStore(run.Spec())
	if err != nil {
		return nil, err
	}
	d := &Daemon{run: run, store: store, log: log}
	if err := d.mount(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return d, nil
}

// OpenStore opens the store that a run uses.
func OpenStore(spec rundir.Spec) (*cas.Local, error) {
	algorithm, err := digest.ParseAlgorithm(spec.Digest)
	if err != nil {
		return nil, err
	}
	return cas.OpenLocal(spec.Store, algorithm)
}

func (d *Daemon) mount() error {
	spec := d.run.Spec()
	events, err := os.OpenFile(d.run.TracePath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	d.events = trace.NewRecorder(events)
	if err := d.stage(spec); err != nil {
		return errors.Join(err, events.Close())
	}
	return nil
}

func (d *Daemon) stage(spec rundir.Spec) (err error) {
	d.view, err = view.New(d.store, spec.InputsRoot, d.events, view.Options{
		UID: spec.Owner.UID, GID: spec.Owner.GID,
		VerifyFirstRead: spec.Verify == "first-read",
		MaxPaths:        spec.MaxInputs,
		Large:           tree.LoadLarge(d.store, spec.InputsRoot),
		Logger:          d.log,
	})
	if errors.Is(err, cas.ErrNotFound) {
		return fmt.Errorf("inputs %s are not in the store %s, casview ingest puts them there: %w", spec.InputsRoot, spec.Store, err)
	}
	if err != nil {
		return err
	}
	session, driver, reason, err := staging.Choose(spec.Driver, staging.Request{
		View: d.view, Upper: d.run.UpperPath(), Work: d.run.WorkPath(),
		Owner: spec.Owner, Data: merged.Data(spec.Data), Source: spec.MountSource(), Label: spec.Label, Logger: d.log,
	})
	if err != nil {
		return err
	}
	d.session = session
	ready := float64(time.Since(spec.Started).Microseconds()) / 1000
	d.log.Info("view is ready", "driver", driver, "reason", reason, "ready_ms", ready)
	d.made = rundir.View{
		PID: os.Getpid(), Driver: driver, Reason: reason, Source: spec.MountSource(),
		UserXattr: session.UserXattr, Data: string(session.Data), DataReason: session.DataReason, ReadyMS: ready,
	}
	if err := d.run.WriteView(d.made); err != nil {
		session.Mount.Close()
		session.Wait()
		return err
	}
	return nil
}

// Handover gives the mount away over the socket and waits until the starter says that it has its place. From then on only
// the container keeps the view alive.
func (d *Daemon) Handover(sock *os.File) error {
	err := rundir.SendReply(sock, rundir.Reply{View: d.made}, d.session.Mount)
	d.session.Mount.Close()
	if err != nil {
		return fmt.Errorf("hand the mount over: %w", err)
	}
	return rundir.ReceiveAttached(sock)
}

// GiveUp removes the run: nothing was attached, so no job has seen it. It waits until the starter has let go of the mount,
// or until stop: then the run stays.
func (d *Daemon) GiveUp(stop context.Context) error {
	gone := d.gone()
	select {
	case <-gone:
		return errors.Join(d.store.Close(), d.run.Remove())
	case <-stop.Done():
		return errors.Join(errors.New("stopped while somebody had the mount"), d.store.Close())
	}
}

// gone is closed when the kernel has ended the FUSE connection.
func (d *Daemon) gone() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		d.session.Wait()
		close(gone)
	}()
	return gone
}

// patience is for how many of poststop's waits the daemon goes on collecting: large outputs shall get there, but an engine
// that waits for its container's processes must not wait for ever. What is not done then can be finished by
// `casview-fsd collect`.
const patience = 10

// Finish waits until the view is gone, or until stop says that somebody has waited long enough, and collects. A view that
// is still held when stop comes is collected by copy, and the result names who holds it.
func (d *Daemon) Finish(stop context.Context) error {
	defer d.store.Close()
	gone := d.gone()
	select {
	case <-gone:
	case <-stop.Done():
	}
	o := collect.Options{Logger: d.log, Holders: holders.Of(d.run.Spec().MountSource())}
	// The end of the connection tells that the mount is gone, unless somebody aborted it by /sys/fs/fuse: then the job writes
	// on, and no file that it may have open for writing may become a blob.
	o.Keep = !closed(gone) || len(o.Holders) > 0
	d.log.Info("the view is over", "asked_to_stop", stop.Err() != nil, "connected", !closed(gone), "holders", o.Holders)
	o.Ended = rundir.Ended{Time: time.Now(), FuseRequests: d.session.Requests(), Held: o.Keep}
	if failed := d.session.FailedPassthrough; failed != nil {
		o.Ended.FailedPassthrough = failed()
	}
	if lost := d.session.Lost; lost != nil {
		for _, l := range lost() {
			o.Ended.Lost = append(o.Ended.Lost, rundir.Lost{Dev: l.Dev, Ino: l.Ino, Path: []byte(l.Path), Cause: l.Cause.Error()})
		}
	}
	if err := d.events.Err(); err != nil {
		o.Ended.TraceError = err.Error()
	}
	if err := d.run.WriteEnded(o.Ended); err != nil {
		d.log.Error("the end of the view could not be recorded", "cause", err)
	}
	_, err := collectWithin(patience*d.run.Spec().Timeout, d.run, d.store, o)
	return err
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Collection is what the daemon of a dead run can't tell whoever collects for it.
type Collection struct {
	// Held says that somebody may still write to the staging tree.
	Held bool
	// Timeout ends the collection; zero is no bound. What is done by then is done again, except for what is planned.
	Timeout time.Duration
}

// Collect makes the result of a run whose daemon is dead, from disk alone. The caller holds the run's lock. A result that is
// not complete is no error.
func Collect(run *rundir.Dir, c Collection, log *slog.Logger) (*result.Result, error) {
	store, err := OpenStore(run.Spec())
	if err != nil {
		return nil, err
	}
	defer store.Close()
	o := collect.Options{Logger: log, Holders: holders.Of(run.Spec().MountSource())}
	o.Keep = c.Held || len(o.Holders) > 0
	return collectWithin(c.Timeout, run, store, o)
}

// collectWithin bounds collection, where its caller must not wait for ever.
func collectWithin(timeout time.Duration, run *rundir.Dir, store *cas.Local, o collect.Options) (*result.Result, error) {
	ctx := context.Background()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not done within %v: %w", timeout, context.DeadlineExceeded))
		defer cancel()
	}
	r, err := collect.Run(ctx, run, store, o)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("collect run %s: %w", run.Key(), err)
	}
	o.Logger.Info("collected", "status", r.Status, "files", len(r.HashedFiles), "collect_ms", r.Stats.CollectMS)
	return r, nil
}
