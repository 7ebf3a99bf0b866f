package attach

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// notShared refuses a directory on a mount whose propagation is shared: what is mounted there would also be mounted on the
// mount's peers, as a rule on the host.
func (t *thread) notShared(dir *os.File) error {
	id, err := mountID(dir)
	if err != nil {
		return err
	}
	mounts, err := t.mounts()
	if err != nil {
		return fmt.Errorf("mounts of the container: %w", err)
	}
	for _, m := range mounts {
		switch {
		case m.ID != id:
		case strings.Contains(" "+m.Optional, " shared:"):
			return fmt.Errorf("is on %s, whose mount propagation is shared: the view would appear on the host too (use private or slave propagation)", m.Mountpoint)
		default:
			return nil
		}
	}
	return fmt.Errorf("mount %d is not among the container's mounts", id)
}

// hidesNothing refuses a target below which something is mounted: the view would hide it. place is where the target is in the
// container.
func (t *thread) hidesNothing(target *os.File, place string) error {
	id, err := mountID(target)
	if err != nil {
		return err
	}
	full, err := t.path(target)
	if err != nil {
		return err
	}
	mounts, err := t.mounts()
	if err != nil {
		return fmt.Errorf("mounts of the container: %w", err)
	}
	for _, m := range mounts {
		if rel, ok := relative(full, m.Mountpoint); ok && rel != "" && m.Parent == id {
			return fmt.Errorf("%.256s is mounted below it and the view would hide it: mount it elsewhere", printable(path.Join(place, rel)))
		}
	}
	return nil
}

func (t *thread) mounts() ([]*mountinfo.Info, error) {
	fd, err := unix.Openat(int(t.proc.Fd()), "mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "mountinfo")
	defer f.Close()
	return mountinfo.GetMountsFromReader(f, nil)
}
