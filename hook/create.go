package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/attach"
	"github.com/casview/casview/hook/daemon"
)

// Create is the createRuntime (or prestart) hook: it gives the container its view. A container that did not ask for one is
// left alone. Any error means that the container must not start; nothing of the run is left then.
func Create(ctx context.Context, env Env, cfg config.Config, in io.Reader) error {
	j, asked, err := readJob(env, cfg, in)
	if err == nil && asked {
		err = create(ctx, env, cfg, j)
	}
	// Of a live run's name a refusal says nothing about the run.
	if err != nil && j.id != "" && !errors.Is(err, rundir.ErrLocked) {
		err = remember(cfg.State, j, err)
	}
	return err
}

// remember keeps the cause where `casview run` and `casview result` find it.
func remember(state string, j job, cause error) error {
	runs, err := rundir.OpenRuns(state)
	for _, key := range []rundir.RunKey{j.key(), rundir.KeyOfContainer(j.id)} {
		if err == nil {
			err = runs.Refuse(key, cause.Error())
		}
	}
	if err != nil {
		return fmt.Errorf("%w (and it can't be remembered: %w)", cause, err)
	}
	return cause
}

func create(ctx context.Context, env Env, cfg config.Config, j job) error {
	numbers, err := readIDs(j.pid)
	if err != nil {
		return err
	}
	owner, root, err := owners(j, numbers, cfg.View.Owner)
	if err != nil {
		return err
	}
	spec, err := j.spec(env, cfg, owner)
	if err != nil {
		return err
	}
	runs, err := rundir.OpenRuns(cfg.State)
	if err != nil {
		return err
	}
	if again, err := hasView(runs, j); again || err != nil {
		return err
	}
	run, lock, err := runs.Create(spec)
	if err != nil {
		return err
	}
	defer lock.Close()
	c := &creation{env: env, state: cfg.State, runs: runs, run: run, lock: lock, request: attach.Request{
		PID: j.pid, Rootfs: j.rootfs, Target: j.target, Allowed: cfg.View.TargetAllowed, Root: root, Marker: cfg.View.Marker,
	}}
	if err := c.begin(ctx); err != nil {
		if left := c.undo(); left != nil {
			err = fmt.Errorf("%w (clean up: %w)", err, left)
		}
		return err
	}
	return nil
}

// owners are who owns the view, and the container's root.
func owners(j job, numbers ids, policy string) (owner, root rundir.Owner, err error) {
	root, rootErr := numbers.owner(0, 0)
	if policy == "root" {
		return root, root, rootErr
	}
	owner, err = numbers.owner(j.config.Process.User.UID, j.config.Process.User.GID)
	if rootErr != nil {
		root = owner // a container without a root
	}
	return owner, root, err
}

// creation is a run on its way to being attached. What it has made so far is in its fields, for undo.
type creation struct {
	env     Env
	state   string
	runs    *rundir.Runs
	run     *rundir.Dir
	lock    *rundir.Lock
	request attach.Request

	log     *runLog
	daemon  *daemon.Daemon
	place   *attach.Place
	created rundir.Attachment // what was made in the root filesystem
}

// begin starts the daemon, and looks for the target while it comes up.
func (c *creation) begin(ctx context.Context) (err error) {
	c.log, err = openLog(c.run, "createRuntime")
	if err != nil {
		return err
	}
	defer c.log.close()
	c.log.step("run created", "inputs", c.run.Spec().InputsRoot.String(), "target", c.request.Target, "path", c.run.Path())
	c.daemon, err = daemon.StartFSD(c.env.FSD, c.run, c.lock)
	if err != nil {
		return err
	}
	c.log.step("daemon started", "pid", c.daemon.PID())
	if err := c.find(ctx); err != nil {
		return err
	}
	defer c.place.Close()
	c.log.step("target found", "rootfs", c.request.Rootfs, "created", c.created.Created)
	reply, view, err := c.daemon.Ready(ctx, readyTimeout)
	if err != nil {
		return err
	}
	defer view.Close()
	c.log.step("view is ready", "driver", reply.View.Driver, "reason", reply.View.Reason)
	if err := c.place.Mount(view); err != nil {
		return err
	}
	if err := c.mark(reply.View.Driver); err != nil {
		return err
	}
	if err := c.daemon.Attached(); err != nil {
		return err
	}
	c.log.step("view is attached")
	return nil
}

// find opens the target, and puts on record that this container is there: from then on no other hook removes the target's
// directories, and poststop finds the run.
func (c *creation) find(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	lock, err := rootfsLock(ctx, c.state, unix.LOCK_SH)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := c.runs.BindContainer(c.run.Spec().Container, c.run); err != nil {
		return err
	}
	c.place, c.created, err = attach.Find(c.request)
	if err != nil {
		return err
	}
	if err := c.run.WriteAttachment(c.created); err != nil {
		c.place.Close()
		return err
	}
	return nil
}

// mark gives the container its marker, if it shall have one.
func (c *creation) mark(driver string) error {
	if !c.request.Marker {
		return nil
	}
	path, err := c.run.WriteMarker(driver, c.request.Root)
	if err != nil {
		return fmt.Errorf("marker: %w", err)
	}
	file, err := attach.ReadOnlyFile(path)
	if err != nil {
		return fmt.Errorf("marker: %w", err)
	}
	defer file.Close()
	return c.place.Mark(file)
}

// undo leaves nothing of the run. It works when the context that begin was given has ended.
func (c *creation) undo() error {
	if c.daemon != nil {
		c.daemon.Kill()
	}
	err := forget(context.Background(), c.state, c.runs, c.run, c.created)
	// A daemon that was not told to go on removes the run itself.
	if gone := c.run.Remove(); !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
