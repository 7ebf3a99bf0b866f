package conformance

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// caller makes system calls that are spelled as strings: a name, then its arguments. Files that it has open have names.
type caller struct {
	files map[string]int
	maps  map[string][]byte
}

// callFunc makes one call. A path that is given is never followed if it is a symlink, unless the system call knows no
// other way.
type callFunc func(*caller, *args) (string, error)

func (c *caller) call(name string, list []string) (string, error) {
	tables := []map[string]callFunc{pathCalls, fileCalls, mapCalls, lockCalls, nodeCalls, socketCalls, raceCalls}
	for _, table := range tables {
		if fn, ok := table[name]; ok {
			a := &args{list: list}
			value, err := fn(c, a)
			if a.err != nil {
				err = a.err
			}
			return value, err
		}
	}
	return "", errors.New("no such call")
}

// fd is the open file that argument i names.
func (c *caller) fd(a *args, i int) int {
	fd, ok := c.files[a.str(i)]
	if !ok {
		a.fail(fmt.Errorf("no open file %q", a.str(i)))
		return -1
	}
	return fd
}

// at is a directory: an open file's name, or "" for the working directory.
func (c *caller) at(a *args, i int) int {
	if a.str(i) == "" {
		return unix.AT_FDCWD
	}
	return c.fd(a, i)
}
