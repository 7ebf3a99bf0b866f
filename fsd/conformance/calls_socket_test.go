package conformance

import "golang.org/x/sys/unix"

// socketCalls are about sockets that have a path. A socket that is listened at is an open file, as is a connection.
var socketCalls = map[string]callFunc{
	// bind NAME PATH
	"bind": func(c *caller, a *args) (string, error) {
		return c.socket(a, func(fd int, addr unix.Sockaddr) error {
			if err := unix.Bind(fd, addr); err != nil {
				return err
			}
			return unix.Listen(fd, 1)
		})
	},
	// connect NAME PATH
	"connect": func(c *caller, a *args) (string, error) { return c.socket(a, unix.Connect) },
	// accept NAME LISTENER
	"accept": func(c *caller, a *args) (string, error) {
		fd, _, err := unix.Accept4(c.fd(a, 1), unix.SOCK_CLOEXEC)
		if err == nil {
			c.files[a.str(0)] = fd
		}
		return "", err
	},
}

// socket makes one and names it.
func (c *caller) socket(a *args, use func(int, unix.Sockaddr) error) (string, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	if err := use(fd, &unix.SockaddrUnix{Name: a.str(1)}); err != nil {
		unix.Close(fd)
		return "", err
	}
	c.files[a.str(0)] = fd
	return "", nil
}
