package staging

import (
	"fmt"
	"os"
	"strconv"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// mountFUSE makes a detached FUSE mount and starts to serve it. allow_other lets users other than the daemon's in, here
// every user of the container; in a user namespace the kernel still keeps strangers to that namespace out.
// default_permissions leaves permission checks to the kernel, which has the attributes cached.
//
// dev is the server's descriptor of /dev/fuse.
func mountFUSE(fs fuse.RawFileSystem, o *fuse.MountOptions, source, label string, attrs int) (mount *os.File, server *fuse.Server, dev int, err error) {
	dev, err = unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, -1, fmt.Errorf("open /dev/fuse: %w (load the module with modprobe fuse, or pass the device into the container that casview runs in)", err)
	}
	mount, err = newFUSE(dev, o, source, label, attrs)
	if err != nil {
		unix.Close(dev)
		return nil, nil, -1, err
	}
	server, err = serveFUSE(dev, fs, o)
	if err != nil {
		mount.Close()
		return nil, nil, -1, err
	}
	return mount, server, dev, nil
}

// newFUSE makes the mount that the requests of dev will be about.
func newFUSE(dev int, o *fuse.MountOptions, source, label string, attrs int) (*os.File, error) {
	c := openFS("fuse")
	defer c.close()
	c.set("source", source)
	c.label(label)
	c.set("subtype", "casview")
	c.set("fd", strconv.Itoa(dev))
	c.set("rootmode", "40000")
	c.set("user_id", "0")
	c.set("group_id", "0")
	c.set("max_read", strconv.Itoa(o.MaxWrite))
	c.flag("allow_other")
	c.flag("default_permissions")
	if attrs&unix.MOUNT_ATTR_RDONLY != 0 {
		// Only a read-only superblock keeps the kernel from asking for a file's attributes again after each first read of
		// it: anywhere else a read makes the atime stale (fuse_invalidate_atime), whatever the mount's own flags are.
		c.flag("ro")
	}
	return c.mount(attrs)
}

// serveFUSE answers the requests of dev until its mount is gone. dev is go-fuse's from here on: it closes it in the end, and
// at once on error.
func serveFUSE(dev int, fs fuse.RawFileSystem, o *fuse.MountOptions) (*fuse.Server, error) {
	server, err := fuse.NewServer(fs, "/dev/fd/"+strconv.Itoa(dev), o)
	if err != nil {
		return nil, fmt.Errorf("fuse: %w", err)
	}
	go server.Serve()
	return server, nil
}

// fuseLabel is the label for a FUSE mount that the job sees. In a user namespace the kernel refuses labels on all but a few
// filesystems (selinux_set_mnt_opts, Linux 6.18); overlay is one of those and FUSE is not. Policies let containers use what has
// FUSE's own label, for the sake of fuse-overlayfs.
func (r Request) fuseLabel() (string, error) {
	if r.Label == "" {
		return "", nil
	}
	rootless, err := inUserNamespace()
	if rootless || err != nil {
		return "", err
	}
	return r.Label, nil
}

// readAheadKB lets the kernel read a large file in few requests: measured 1.3 to 2.9 GB/s for a first sequential read
// against the default of 128.
const readAheadKB = "4096"

// raiseReadAhead needs root on the host; elsewhere the default stays. The attributes are asked for without a request to
// the filesystem, which is ourselves.
func raiseReadAhead(mount *os.File) error {
	var st unix.Statx_t
	if err := unix.Statx(int(mount.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st); err != nil {
		return fmt.Errorf("statx: %w", err)
	}
	bdi := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", st.Dev_major, st.Dev_minor)
	return os.WriteFile(bdi, []byte(readAheadKB), 0)
}
