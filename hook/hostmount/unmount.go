package hostmount

import (
	"errors"
	"fmt"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Unmount takes the view off its directory. A busy one is detached: it stays until the last process leaves it, and busy is
// true. It is no error when the view is not there any more.
func (m *Mount) Unmount() (busy bool, err error) {
	there, err := m.there()
	if err != nil || !there {
		return false, err
	}
	err = unix.Unmount(m.dir, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EBUSY) {
		busy = true
		err = unix.Unmount(m.dir, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
	}
	if errors.Is(err, unix.EINVAL) { // unmounted by somebody else in this moment
		return false, nil
	}
	if err != nil {
		return busy, fmt.Errorf("unmount %s: %w", m.dir, err)
	}
	return busy, nil
}

// there tells whether what is mounted at the directory is this run's view: somebody may have unmounted it and mounted
// something else.
func (m *Mount) there() (bool, error) {
	mounts, err := mountinfo.GetMounts(func(i *mountinfo.Info) (skip, stop bool) { return i.Mountpoint != m.dir, false })
	if err != nil || len(mounts) == 0 {
		return false, err
	}
	// Of mounts on top of each other the last one is visible.
	return mounts[len(mounts)-1].Source == m.run.Spec().MountSource(), nil
}
