package attach

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// notShared refuses a directory on a mount whose propagation is shared: what is mounted there would also be mounted on the
// mount's peers, as a rule on the host.
func (t *thread) notShared(dir *os.File) error {
	var st unix.Statx_t
	err := unix.Statx(int(dir.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &st)
	if err != nil {
		return fmt.Errorf("statx: %w", err)
	}
	if st.Mask&unix.STATX_MNT_ID == 0 {
		return errors.New("statx gives no mount id (Linux 5.8 or newer is needed)")
	}
	fd, err := unix.Openat(int(t.proc.Fd()), "mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("mounts of the container: %w", err)
	}
	f := os.NewFile(uintptr(fd), "mountinfo")
	defer f.Close()
	mounts, err := mountinfo.GetMountsFromReader(f, func(m *mountinfo.Info) (skip, stop bool) {
		found := m.ID == int(st.Mnt_id)
		return !found, found
	})
	switch {
	case err != nil:
		return fmt.Errorf("mounts of the container: %w", err)
	case len(mounts) != 1:
		return fmt.Errorf("mount %d is not among the container's mounts", st.Mnt_id)
	case strings.Contains(" "+mounts[0].Optional, " shared:"):
		return fmt.Errorf("is on %s, whose mount propagation is shared: the view would appear on the host too (use private or slave propagation)", mounts[0].Mountpoint)
	}
	return nil
}
