package inside

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls as C makes them. The functions of package unix tell the Go scheduler of each call, whose monitor thread then
// takes the processor away from those that last longer than 20 us: on two cores it would get in the daemon's way.

// path is a NUL-terminated string.
type path []byte

func newPath(s string) path { return append([]byte(s), 0) }

func (p path) String() string { return string(p[:len(p)-1]) }

func paths(n, inEach int, prefix string) []path {
	all := make([]path, n)
	for i := range all {
		all[i] = newPath(prefix + Name(i, inEach))
	}
	return all
}

const here = unix.AT_FDCWD

func open(dir int, p path, flags int, mode uint32) (int, error) {
	fd, _, errno := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&p[0])),
		uintptr(flags|unix.O_CLOEXEC), uintptr(mode), 0, 0)
	if errno != 0 {
		return -1, fmt.Errorf("open %s: %w", p, errno)
	}
	return int(fd), nil
}

func closeFile(fd int) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0); errno != 0 {
		return fmt.Errorf("close: %w", errno)
	}
	return nil
}

// read must fill all of b.
func read(fd int, b []byte) error {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return whole("read", int(n), len(b), errno)
}

func pread(fd int, b []byte, at int64) error {
	n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		uintptr(at), 0, 0)
	return whole("pread", int(n), len(b), errno)
}

// write must take all of b.
func write(fd int, b []byte) error {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return whole("write", int(n), len(b), errno)
}

func whole(call string, n, want int, errno unix.Errno) error {
	switch {
	case errno != 0:
		return fmt.Errorf("%s: %w", call, errno)
	case n != want:
		return fmt.Errorf("%s: %d of %d bytes", call, n, want)
	}
	return nil
}

// getdents returns how many bytes of entries are in b.
func getdents(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_GETDENTS64, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, fmt.Errorf("getdents: %w", errno)
	}
	return int(n), nil
}

func stat(dir int, p path, st *unix.Statx_t) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(&p[0])), unix.AT_SYMLINK_NOFOLLOW,
		unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(st)), 0)
	if errno != 0 {
		return fmt.Errorf("stat %s: %w", p, errno)
	}
	return nil
}

func rename(from, to path) error {
	// AT_FDCWD is negative, which a constant of type uintptr can't be.
	dir := here
	_, _, errno := unix.RawSyscall6(unix.SYS_RENAMEAT2, uintptr(dir), uintptr(unsafe.Pointer(&from[0])), uintptr(dir),
		uintptr(unsafe.Pointer(&to[0])), 0, 0)
	if errno != 0 {
		return fmt.Errorf("rename %s: %w", from, errno)
	}
	return nil
}

func unlink(p path) error {
	dir := here
	if _, _, errno := unix.RawSyscall(unix.SYS_UNLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&p[0])), 0); errno != 0 {
		return fmt.Errorf("unlink %s: %w", p, errno)
	}
	return nil
}
