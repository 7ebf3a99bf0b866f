package staging

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Overlay is the kernel's overlayfs: lower is the view, upper the staging tree. Writes are native.
type Overlay struct{}

var _ Driver = Overlay{}

// Name implements Driver.
func (Overlay) Name() string { return "overlay" }

// Mount implements Driver. Overlayfs takes a lower layer only from the caller's own mount namespace (before Linux 6.15 it
// takes no detached one), so the view is mounted for a moment in a namespace that nobody else is in.
func (Overlay) Mount(r Request) (*Session, error) {
	var s *Session
	err := inPrivateNamespace(func() (err error) {
		s, err = mountOverlay(r)
		return err
	})
	return s, err
}

// unlabelled is for what only overlayfs sees: it reads the view with the daemon's rights.
const unlabelled = ""

func mountOverlay(r Request) (s *Session, err error) {
	dirs, err := makeDirs(r)
	if err != nil {
		return nil, err
	}
	defer func() {
		dirs.close()
		if err != nil {
			dirs.remove()
		}
	}()
	l, err := mountLayers(r)
	if err != nil {
		return nil, err
	}
	mount, userXattr, err := overlayOnView(l, dirs, r)
	if err != nil && l.stubs != nil {
		r.Logger.Debug("large inputs are read through the daemon", "cause", err)
		if err := l.withoutLarge(r); err != nil {
			return nil, err
		}
		mount, userXattr, err = overlayOnView(l, dirs, r)
	}
	if err != nil {
		l.end()
		return nil, err
	}
	l.close()
	return &Session{Mount: mount, Servers: l.servers, UserXattr: userXattr, Requests: r.View.Requests}, nil
}

// overlayOnView gives the view a place for as long as overlayfs takes to clone it: on top of work, which is open already
// and used by descriptor only, so no directory need be made for it. The other layers need none: where there are any the
// kernel takes detached ones.
func overlayOnView(l *layers, dirs *layerDirs, r Request) (mount *os.File, userXattr bool, err error) {
	const byDescriptor = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	if err := unix.MoveMount(int(l.view.Fd()), "", int(dirs.work.Fd()), "", byDescriptor); err != nil {
		return nil, false, fmt.Errorf("move_mount the view: %w", err)
	}
	defer func() {
		// The namespace is about to go, which would do the same; but only after this process has answered.
		if gone := unix.Unmount(fdPath(l.view), unix.MNT_DETACH); gone != nil && err == nil {
			mount.Close()
			err = fmt.Errorf("unmount the view: %w", gone)
		}
	}()
	if userXattr, err = inUserNamespace(); err != nil {
		return nil, false, err
	}
	mount, err = overlayOn(l, dirs, r, userXattr)
	return mount, userXattr, err
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
func overlayOn(l *layers, dirs *layerDirs, r Request, userXattr bool) (*os.File, error) {
	c := openFS("overlay")
	defer c.close()
	c.create = func(fd int) error { return createWithout(fd, l.devs) }
	c.set("source", r.Source)
	c.label(r.Label)
	l.addTo(c)
	c.set("upperdir", fdPath(dirs.upper))
	c.set("workdir", fdPath(dirs.work))
	c.set("xino", "on")
	c.set("metacopy", "off")
	c.set("index", "off")
	c.flag("volatile")
	if userXattr {
		c.flag("userxattr")
	} else {
		c.set("redirect_dir", "on")
	}
	return c.mount(0)
}

func fdPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// firstUserNamespace is the inode number of the user namespace that the host starts with (kernel: PROC_USER_INIT_INO). The
// map of ids does not tell: another namespace may map all of them to themselves.
const firstUserNamespace = 0xEFFFFFFD

// inUserNamespace tells whether this process is outside the first user namespace, where trusted.* xattrs can't be written.
func inUserNamespace() (bool, error) {
	const own = "/proc/self/ns/user"
	var st unix.Stat_t
	if err := unix.Stat(own, &st); err != nil {
		return false, fmt.Errorf("%s: %w", own, err)
	}
	return st.Ino != firstUserNamespace, nil
}
