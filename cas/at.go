package cas

import "golang.org/x/sys/unix"

// openat is openat(2) with O_CLOEXEC and O_NOFOLLOW, restarted when a signal interrupts it.
func openat(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func mkdirat(dir int, name string) error {
	if err := unix.Mkdirat(dir, name, 0o700); err != nil && err != unix.EEXIST {
		return err
	}
	return nil
}

// openSubdir opens a directory of the store, which any process may be creating at the same moment.
func openSubdir(dir int, name string) (int, error) {
	if err := mkdirat(dir, name); err != nil {
		return -1, err
	}
	return openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}
