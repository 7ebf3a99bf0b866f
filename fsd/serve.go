package fsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/collect"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/staging"
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
		store.Close()
		return nil, err
	}
	return d, nil
}

// OpenStore opens the store that a run uses.
func OpenStore(spec rundir.Spec) (*cas.Local, error) {
	algorithm, err := cas.ParseAlgorithm(spec.Digest)
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
	d.view, err = view.New(d.store, spec.InputsRoot, d.events, view.Options{
		UID: spec.Owner.UID, GID: spec.Owner.GID,
		VerifyFirstRead: spec.Verify == "first-read",
		Logger:          d.log,
	})
	if err != nil {
		return err
	}
	session, driver, reason, err := staging.Choose(spec.Driver, staging.Request{
		View: d.view, Upper: d.run.UpperPath(), Work: d.run.WorkPath(),
		Owner: spec.Owner, Source: spec.MountSource(), Logger: d.log,
	})
	if err != nil {
		return err
	}
	d.session = session
	ready := float64(time.Since(spec.Started).Microseconds()) / 1000
	d.log.Info("view is ready", "driver", driver, "reason", reason, "ready_ms", ready)
	return d.run.WriteView(rundir.View{
		PID: os.Getpid(), Driver: driver, Reason: reason, Source: spec.MountSource(),
		UserXattr: session.UserXattr, ReadyMS: ready,
	})
}

// Handover gives the mount away over the socket and waits until the starter says that it has its place. From then on only
// the container keeps the view alive.
func (d *Daemon) Handover(sock *os.File) error {
	v, err := d.run.View()
	if err != nil {
		return err
	}
	err = rundir.SendReply(sock, rundir.Reply{View: v}, d.session.Mount)
	d.session.Mount.Close()
	if err != nil {
		return fmt.Errorf("hand the mount over: %w", err)
	}
	return rundir.ReceiveAttached(sock)
}

// GiveUp removes the run: nothing was attached, so no job has seen it.
func (d *Daemon) GiveUp() error {
	d.session.Server.Wait()
	return errors.Join(d.store.Close(), d.run.Remove())
}

// Finish waits until the view is gone, or until stop says that somebody has waited long enough, and collects. A view that
// is still held when stop comes is collected by copy, and the result names who holds it.
func (d *Daemon) Finish(stop context.Context) error {
	defer d.store.Close()
	gone := make(chan struct{})
	go func() {
		d.session.Server.Wait()
		close(gone)
	}()
	o := collect.Options{Logger: d.log}
	select {
	case <-gone:
		d.log.Info("the view has ended")
	case <-stop.Done():
		d.log.Warn("asked to collect while the view is held")
		o.Keep = true
		o.Holders = Holders(d.run.Spec().MountSource())
	}
	o.Ended = rundir.Ended{Time: time.Now(), FuseRequests: d.view.Requests()}
	if err := d.events.Err(); err != nil {
		o.Ended.TraceError = err.Error()
	}
	if !o.Keep {
		// Of a view that is still held no end may be recorded: its job reads on without a daemon, and no later
		// collection may call that complete.
		if err := d.run.WriteEnded(o.Ended); err != nil {
			d.log.Error("the end of the view could not be recorded", "cause", err)
		}
	}
	return collectWithin(d.run, d.store, o)
}

// Collect makes the result of a run whose daemon is dead, from disk alone. The caller holds the run's lock. held says that
// somebody may still write to the staging tree.
func Collect(run *rundir.Dir, held bool, log *slog.Logger) error {
	store, err := OpenStore(run.Spec())
	if err != nil {
		return err
	}
	defer store.Close()
	o := collect.Options{Logger: log, Holders: Holders(run.Spec().MountSource())}
	o.Keep = held || len(o.Holders) > 0
	return collectWithin(run, store, o)
}

// collectWithin bounds collection by the run's timeout: an engine that waits for its container's processes must not wait
// for ever. What is not done then can be finished by `casview-fsd collect`.
func collectWithin(run *rundir.Dir, store *cas.Local, o collect.Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), run.Spec().Timeout)
	defer cancel()
	r, err := collect.Run(ctx, run, store, o)
	if err != nil {
		return fmt.Errorf("collect run %s: %w", run.Key(), err)
	}
	o.Logger.Info("collected", "status", r.Status, "files", len(r.HashedFiles), "collect_ms", r.Stats.CollectMS)
	return nil
}
