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

// pread reads until p is full or the file ends, which is no error.
func pread(fd int, p []byte, at int64) (int, error) {
	for n := 0; ; {
		k, err := unix.Pread(fd, p[n:], at+int64(n))
		n += max(k, 0)
		if n == len(p) || k == 0 && err == nil || err != nil && err != unix.EINTR {
			return n, err
		}
	}
}
