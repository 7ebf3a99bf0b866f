package conformance

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// mapCalls are about mappings of open files.
var mapCalls = map[string]callFunc{
	// map NAME LENGTH PROT SHARED|PRIVATE: names the mapping like the file
	"map": func(c *caller, a *args) (string, error) {
		prot, kind := unix.PROT_READ, unix.MAP_PRIVATE
		if a.str(2) == "rw" {
			prot |= unix.PROT_WRITE
		}
		if a.str(3) == "SHARED" {
			kind = unix.MAP_SHARED
		}
		m, err := unix.Mmap(c.fd(a, 0), 0, int(a.number(1)), prot, kind)
		if err != nil {
			return "", err
		}
		c.maps[a.str(0)] = m
		return "", nil
	},
	"peek": func(c *caller, a *args) (string, error) {
		at := a.number(1)
		return string(c.maps[a.str(0)][at : at+a.number(2)]), nil
	},
	// poke NAME AT STRING: EFAULT for a SIGBUS
	"poke": func(c *caller, a *args) (_ string, err error) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if recover() != nil {
				err = unix.EFAULT
			}
		}()
		copy(c.maps[a.str(0)][a.number(1):], a.str(2))
		return "", nil
	},
	"unmap": func(c *caller, a *args) (string, error) {
		m := c.maps[a.str(0)]
		delete(c.maps, a.str(0))
		return "", unix.Munmap(m)
	},
}

// lockCalls are about locks between processes.
var lockCalls = map[string]callFunc{
	// flock NAME LOCK_EX|LOCK_NB
	"flock": func(c *caller, a *args) (string, error) { return "", unix.Flock(c.fd(a, 0), a.flags(1, lockFlags)) },
	// lock NAME r|w|u START LENGTH [wait]: a POSIX lock
	"lock": func(c *caller, a *args) (string, error) {
		kinds := map[string]int16{"r": unix.F_RDLCK, "w": unix.F_WRLCK, "u": unix.F_UNLCK}
		l := unix.Flock_t{Type: kinds[a.str(1)], Start: a.number(2), Len: a.number(3)}
		cmd := unix.F_SETLK
		if len(a.list) > 4 {
			cmd = unix.F_SETLKW
		}
		return "", unix.FcntlFlock(uintptr(c.fd(a, 0)), cmd, &l)
	},
	// locker NAME START LENGTH: the process whose lock is in the way of a write lock, or ""
	"locker": func(c *caller, a *args) (string, error) {
		l := unix.Flock_t{Type: unix.F_WRLCK, Start: a.number(1), Len: a.number(2)}
		err := unix.FcntlFlock(uintptr(c.fd(a, 0)), unix.F_GETLK, &l)
		if err != nil || l.Type == unix.F_UNLCK {
			return "", err
		}
		return fmt.Sprintf("%d %d+%d", l.Pid, l.Start, l.Len), nil
	},
	"pid": func(*caller, *args) (string, error) { return strconv.Itoa(os.Getpid()), nil },
}
