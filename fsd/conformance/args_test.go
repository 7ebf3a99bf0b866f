package conformance

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// args are the arguments of a call. The first one that can't be read is kept in err, and stands for zero.
type args struct {
	list []string
	err  error
}

func (a *args) str(i int) string {
	if i >= len(a.list) {
		a.fail(fmt.Errorf("argument %d is missing", i+1))
		return ""
	}
	return a.list[i]
}

func (a *args) number(i int) int64 {
	n, err := strconv.ParseInt(a.str(i), 10, 64)
	a.fail(err)
	return n
}

func (a *args) octal(i int) uint32 {
	n, err := strconv.ParseUint(a.str(i), 8, 32)
	a.fail(err)
	return uint32(n)
}

// flags reads "O_RDWR|O_CREAT".
func (a *args) flags(i int, known map[string]int) int {
	all := 0
	for name := range strings.SplitSeq(a.str(i), "|") {
		flag, ok := known[name]
		if !ok {
			a.fail(fmt.Errorf("unknown flag %q", name))
		}
		all |= flag
	}
	return all
}

func (a *args) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

var openFlags = map[string]int{
	"O_RDONLY": unix.O_RDONLY, "O_WRONLY": unix.O_WRONLY, "O_RDWR": unix.O_RDWR, "O_CREAT": unix.O_CREAT,
	"O_EXCL":  unix.O_EXCL,
	"O_TRUNC": unix.O_TRUNC, "O_APPEND": unix.O_APPEND, "O_DIRECTORY": unix.O_DIRECTORY, "O_NOFOLLOW": unix.O_NOFOLLOW,
	"O_TMPFILE": unix.O_TMPFILE, "O_PATH": unix.O_PATH, "O_NONBLOCK": unix.O_NONBLOCK,
}

var lockFlags = map[string]int{
	"LOCK_SH": unix.LOCK_SH, "LOCK_EX": unix.LOCK_EX, "LOCK_UN": unix.LOCK_UN, "LOCK_NB": unix.LOCK_NB,
}
