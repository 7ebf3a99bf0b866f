package hook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/attach"
)

// rootfsLock orders making and removing of target directories among all containers of a state directory. Containers may
// share a root filesystem, and removing a directory unmounts what another one has mounted there. Making them holds the lock
// shared, until it is on record who uses them; removing holds it alone.
func rootfsLock(ctx context.Context, state string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(state, "rootfs.lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("%s: flock: %w", f.Name(), err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("%s: is locked: %w", f.Name(), ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// forget ends a container's part in its root filesystem: the directories made for its target go, and it is not known any
// more. The last container on a root filesystem takes all of them along. more are directories that attach.json does not
// have.
func forget(ctx context.Context, state string, runs *rundir.Runs, run *rundir.Dir, more rundir.Attachment) error {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	lock, err := rootfsLock(ctx, state, unix.LOCK_EX)
	if err != nil {
		return errors.Join(err, unbind(runs, run))
	}
	defer lock.Close()
	return errors.Join(removeDirs(runs, run, more), unbind(runs, run))
}

// unbind forgets the container, unless its id has passed to a newer run.
func unbind(runs *rundir.Runs, run *rundir.Dir) error {
	id := run.Spec().Container
	bound, err := runs.OfContainer(id)
	if err != nil || bound.Path() != run.Path() {
		return nil
	}
	return runs.UnbindContainer(id)
}

// removeDirs needs the lock alone.
func removeDirs(runs *rundir.Runs, run *rundir.Dir, more rundir.Attachment) error {
	a, err := run.Attachment()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	a = merge(a, more)
	heir, over, err := othersOn(runs, run, a.Rootfs)
	if err != nil {
		return err
	}
	for _, other := range over {
		theirs, err := other.Attachment()
		if err != nil {
			return err
		}
		a = merge(a, theirs)
	}
	there := func(made string) bool { return exists(filepath.Join(a.Rootfs, made)) }
	if !slices.ContainsFunc(a.Created, there) {
		return nil // as a rule the engine has unmounted the root filesystem by now
	}
	if heir != nil {
		theirs, err := heir.Attachment()
		if err != nil {
			return err
		}
		return heir.WriteAttachment(merge(theirs, a))
	}
	err = attach.Remove(a)
	// What is still in use stays on record, once.
	a.Created = slices.DeleteFunc(a.Created, func(made string) bool { return !there(made) })
	for _, other := range over {
		err = errors.Join(err, other.WriteAttachment(a))
		a.Created = nil
	}
	return err
}

// merge joins what was made in one root filesystem, outermost first.
func merge(a, b rundir.Attachment) rundir.Attachment {
	if a.Rootfs == "" {
		a.Rootfs = b.Rootfs
	}
	a.Created = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.Created, b.Created))))
	return a
}

// othersOn finds the other containers on the same root filesystem: a live one, whose view is attached there or about to
// be, and those whose run is over, but whose poststop has not come and perhaps never will.
func othersOn(runs *rundir.Runs, run *rundir.Dir, rootfs string) (live *rundir.Dir, over []*rundir.Dir, err error) {
	bound, err := runs.Bound()
	if err != nil {
		return nil, nil, err
	}
	for _, other := range bound {
		if other.Path() == run.Path() {
			continue
		}
		a, err := other.Attachment()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		switch {
		case !samePlace(a.Rootfs, rootfs):
		case isOver(other):
			over = append(over, other)
		default:
			live = other
		}
	}
	return live, over, nil
}

// isOver tells whether a run has its result, or nobody who would make it.
func isOver(run *rundir.Dir) bool {
	if exists(run.ResultPath()) {
		return true
	}
	lock, err := run.TryLock()
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	lock.Close()
	return true
}

func samePlace(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return a == b || (errA == nil && errB == nil && os.SameFile(infoA, infoB))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
