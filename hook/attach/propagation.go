package attach

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// mountable refuses a directory that a view can't be mounted on without harm. place is where it is in the container. On a
// mount whose propagation is shared the view would also be mounted on the mount's peers, as a rule on the host. And what is
// mounted below the directory would be hidden.
func (t *thread) mountable(dir *os.File, place string) error {
	id, err := mountID(dir)
	if err != nil {
		return err
	}
	full, err := t.path(dir)
	if err != nil {
		return err
	}
	mounts, err := t.mounts()
	if err != nil {
		return fmt.Errorf("mounts of the container: %w", err)
	}
	found := false
	for _, m := range mounts {
		if m.ID == id {
			found = true
			if strings.Contains(" "+m.Optional, " shared:") {
				return fmt.Errorf("is on %s, whose mount propagation is shared: the view would appear on the host too (use private or slave propagation)", m.Mountpoint)
			}
		}
	}
	if !found {
		return fmt.Errorf("mount %d is not among the container's mounts", id)
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
