package staging

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// createWithout creates the superblock of an overlay on layers that this process serves by the descriptors devs of /dev/fuse.
//
// The kernel asks the layers meanwhile (statfs, attributes, xattrs), and whoever waits for an answer that FUSE has begun to
// give can't be killed: it waits until the connection ends, which it does when the last copy of its /dev/fuse is closed. A
// thread that shares the process's table of open files is such a copy itself. So if the daemon is killed at this moment, that
// thread waits for ever, holding the superblock: sync(1) hangs on the whole host, as seen on Linux 6.18. This one has a table
// of its own, without these descriptors. All others are still in it, since Go's runtime needs some of them on each thread.
func createWithout(fsfd int, devs []int) error {
	ns, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the mount namespace: %w", err)
	}
	defer unix.Close(ns)
	return onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_FILES); err != nil {
			return fmt.Errorf("unshare the table of open files: %w", err)
		}
		if err := unix.Setns(ns, unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("enter the private mount namespace: %w", err)
		}
		for _, dev := range devs {
			_ = unix.Close(dev)
		}
		return unix.FsconfigCreate(fsfd)
	})
}
