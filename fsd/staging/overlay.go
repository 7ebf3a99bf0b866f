package staging

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Overlay is the kernel's overlayfs: lower is the view, upper the staging tree. Writes are native.
type Overlay struct{}

var _ Driver = Overlay{}

// Name implements Driver.
func (Overlay) Name() string { return "overlay" }

// Mount implements Driver. Overlayfs takes a lower layer only from the caller's own mount namespace (before Linux 6.15 it
// takes no detached one), so the work happens on a thread with a namespace of its own. The thread ends with its goroutine,
// because a goroutine that stays locked takes its thread along, and the namespace with its copies of the host's mounts
// goes at once. It must not be the process's first thread, which Go never ends: main holds that one.
func (Overlay) Mount(r Request) (*Session, error) {
	type answer struct {
		s   *Session
		err error
	}
	done := make(chan answer)
	go func() {
		runtime.LockOSThread()
		s, err := mountOverlay(r)
		done <- answer{s, err}
	}()
	a := <-done
	return a.s, a.err
}

func mountOverlay(r Request) (s *Session, err error) {
	if err := privateNamespace(); err != nil {
		return nil, err
	}
	lower := filepath.Join(filepath.Dir(r.Upper), "lower")
	dirs, err := makeDirs(r, lower)
	if err != nil {
		return nil, err
	}
	defer func() {
		unix.Unmount(lower, unix.MNT_DETACH)
		os.Remove(lower)
		if err != nil {
			os.Remove(r.Upper)
			os.RemoveAll(r.Work)
		}
	}()
	defer dirs.close()

	view, server, err := mountFUSE(r.View, r.View.MountOptions(), r.Source, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if err := raiseReadAhead(view); err != nil {
		r.Logger.Debug("read-ahead stays at the kernel's default", "cause", err)
	}
	if err := unix.MoveMount(int(view.Fd()), "", unix.AT_FDCWD, lower, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return nil, fmt.Errorf("move_mount the view: %w", err)
	}
	return overlayOn(view, server, dirs, r.Source)
}

// overlayOn makes the overlay mount.
//
//   - volatile: overlayfs need not sync upper at every fsync and unmount; collection syncs once, before it names anything.
//   - redirect_dir=on: renaming an input directory is a rename and an xattr instead of EXDEV.
//   - xino=on: one st_dev for the whole tree and inode numbers that survive copy-up. The view's numbers are below 2^32, so
//     that there is room for the layer's bits.
//   - metacopy=off, index=off: every file in upper is whole and there is nothing but upper to read at collection,
//     whatever the defaults of the kernel's build are.
//   - userxattr: in a user namespace trusted.* xattrs can't be written. The kernel then refuses redirect_dir.
func overlayOn(lower *os.File, server *fuse.Server, dirs *layerDirs, source string) (*Session, error) {
	inUserNS, err := inUserNamespace()
	if err != nil {
		return nil, err
	}
	c := openFS("overlay")
	defer c.close()
	c.set("source", source)
	c.set("lowerdir", fdPath(lower))
	c.set("upperdir", fdPath(dirs.upper))
	c.set("workdir", fdPath(dirs.work))
	c.set("xino", "on")
	c.set("metacopy", "off")
	c.set("index", "off")
	c.flag("volatile")
	if inUserNS {
		c.flag("userxattr")
	} else {
		c.set("redirect_dir", "on")
	}
	mount, err := c.mount(0)
	if err != nil {
		return nil, err
	}
	return &Session{Mount: mount, Server: server, UserXattr: inUserNS}, nil
}

func fdPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// privateNamespace gives this thread a mount namespace of its own. Its mounts are made private, or what happens here
// would show on the host.
func privateNamespace() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare the mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	return nil
}

// inUserNamespace tells whether this process is outside the initial user namespace, the only one whose map is the
// identity over all ids.
func inUserNamespace() (bool, error) {
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false, err
	}
	var inside, outside, count uint64
	if _, err := fmt.Sscan(string(b), &inside, &outside, &count); err != nil {
		return false, fmt.Errorf("/proc/self/uid_map: %w", err)
	}
	const allIDs = 1<<32 - 1
	return inside != 0 || outside != 0 || count != allIDs, nil
}
