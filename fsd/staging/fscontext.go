package staging

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// fsContext configures a superblock through the mount API of Linux 5.2 (fsopen(2), fsconfig(2), fsmount(2)). The first
// error stays; later calls do nothing.
type fsContext struct {
	fstype string
	fd     int
	err    error
	// create creates the superblock; nil for fsconfig(2).
	create func(fd int) error
}

func openFS(fstype string) *fsContext {
	fd, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	c := &fsContext{fstype: fstype, fd: fd}
	if err != nil {
		c.err = fmt.Errorf("fsopen %s: %w", fstype, err)
	}
	return c
}

func (c *fsContext) set(key, value string) {
	if c.err == nil {
		c.fail(key+"="+value, unix.FsconfigSetString(c.fd, key, value))
	}
}

func (c *fsContext) flag(key string) {
	if c.err == nil {
		c.fail(key, unix.FsconfigSetFlag(c.fd, key))
	}
}

// label gives everything on the filesystem one SELinux context, whatever files say of themselves: mount(8), context.
func (c *fsContext) label(context string) {
	if context != "" {
		c.set("context", context)
	}
}

// mount creates the superblock and returns a detached mount of it, without set-user-id programs and device nodes.
func (c *fsContext) mount(attrs int) (*os.File, error) {
	if c.err == nil {
		create := c.create
		if create == nil {
			create = unix.FsconfigCreate
		}
		c.fail("create", create(c.fd))
	}
	if c.err != nil {
		return nil, c.err
	}
	fd, err := unix.Fsmount(c.fd, unix.FSMOUNT_CLOEXEC, attrs|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		c.fail("mount", err)
		return nil, c.err
	}
	return os.NewFile(uintptr(fd), c.fstype), nil
}

func (c *fsContext) close() {
	if c.fd >= 0 {
		unix.Close(c.fd)
	}
}

func (c *fsContext) fail(what string, err error) {
	if err == nil {
		return
	}
	log := "kernel: " + c.kernelLog()
	if log == "kernel: " {
		// Some causes go to the log of the whole kernel, and before Linux 6.5 all of overlayfs's do.
		log = "dmesg may say why"
	}
	c.err = fmt.Errorf("%s: %s: %w (%s)", c.fstype, what, err, log)
}

// kernelLog returns what the filesystem says about the failure: one message a read, each starting with its severity.
func (c *fsContext) kernelLog() string {
	var lines []string
	buf := make([]byte, 1024)
	for {
		n, err := unix.Read(c.fd, buf)
		if err != nil || n == 0 {
			return strings.Join(lines, "; ")
		}
		line := strings.TrimSpace(string(buf[:n]))
		lines = append(lines, strings.TrimPrefix(strings.TrimPrefix(line, "e "), "w "))
	}
}
