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
// share a root filesystem, and removing a directory unmounts what another one has mounted there: attaching holds the lock
// shared, removing holds it alone.
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

// removeDirs removes the directories that were made for a run's target, or leaves them to another live run on the same root
// filesystem.
func removeDirs(ctx context.Context, state string, runs *rundir.Runs, run *rundir.Dir, a rundir.Attachment) error {
	if len(a.Created) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	lock, err := rootfsLock(ctx, state, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	heir, err := otherOn(runs, run, a.Rootfs)
	if err != nil {
		return err
	}
	if heir == nil {
		return attach.Remove(a)
	}
	theirs, err := heir.Attachment()
	if err != nil {
		return err
	}
	theirs.Created = slices.Compact(slices.Sorted(slices.Values(append(theirs.Created, a.Created...))))
	return heir.WriteAttachment(theirs)
}

// otherOn finds a live run that is attached to the same root filesystem.
func otherOn(runs *rundir.Runs, run *rundir.Dir, rootfs string) (*rundir.Dir, error) {
	all, err := runs.List()
	if err != nil {
		return nil, err
	}
	for _, other := range all {
		if other.Path() == run.Path() || hasResult(other) {
			continue
		}
		a, err := other.Attachment()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if samePlace(a.Rootfs, rootfs) {
			return other, nil
		}
	}
	return nil, nil
}

func samePlace(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return a == b || (errA == nil && errB == nil && os.SameFile(infoA, infoB))
}

func hasResult(run *rundir.Dir) bool {
	_, err := os.Lstat(run.ResultPath())
	return err == nil
}
