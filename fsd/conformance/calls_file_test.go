package conformance

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileCalls are about open files.
var fileCalls = map[string]callFunc{
	// open NAME PATH FLAGS [MODE]
	"open": func(c *caller, a *args) (string, error) {
		mode := uint32(0)
		if len(a.list) > 3 {
			mode = a.octal(3)
		}
		fd, err := unix.Open(a.str(1), a.flags(2, openFlags)|unix.O_CLOEXEC, mode)
		if err == nil {
			c.files[a.str(0)] = fd
		}
		return "", err
	},
	"close": func(c *caller, a *args) (string, error) {
		fd := c.fd(a, 0)
		delete(c.files, a.str(0))
		return "", unix.Close(fd)
	},
	"read": func(c *caller, a *args) (string, error) {
		buf := make([]byte, a.number(1))
		n, err := unix.Read(c.fd(a, 0), buf)
		return string(buf[:max(n, 0)]), err
	},
	"pread": func(c *caller, a *args) (string, error) {
		buf := make([]byte, a.number(2))
		n, err := unix.Pread(c.fd(a, 0), buf, a.number(1))
		return string(buf[:max(n, 0)]), err
	},
	"write": func(c *caller, a *args) (string, error) {
		return whole(a.str(1), func(b []byte) (int, error) { return unix.Write(c.fd(a, 0), b) })
	},
	"pwrite": func(c *caller, a *args) (string, error) {
		return whole(a.str(2), func(b []byte) (int, error) { return unix.Pwrite(c.fd(a, 0), b, a.number(1)) })
	},
	"fsync":     func(c *caller, a *args) (string, error) { return "", unix.Fsync(c.fd(a, 0)) },
	"ftruncate": func(c *caller, a *args) (string, error) { return "", unix.Ftruncate(c.fd(a, 0), a.number(1)) },
}

// whole writes s and takes a short write for an error: on a regular file there is none but on a full disk.
func whole(s string, write func([]byte) (int, error)) (string, error) {
	n, err := write([]byte(s))
	if err == nil && n != len(s) {
		return "", fmt.Errorf("wrote %d of %d bytes", n, len(s))
	}
	return "", err
}
