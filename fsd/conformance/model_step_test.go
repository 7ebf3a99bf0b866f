package conformance

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// step is one operation of a sequence. What a field means is the operation's.
type step struct {
	op          *operation
	path, path2 string
	// fd, fd2, at are places for descriptors, mappings and directories that stay open from one step to another.
	fd, fd2  int
	flags    int
	mode     uint32
	off      int64
	off2     int64
	n        int
	data     byte // the seed of what is written
	name     string
	times    [2]unix.Timespec
	uid, gid int
}

// operation is something that a job can do. Its order in the table, its weight and make decide what a seed means.
type operation struct {
	name   string
	weight int
	// names says that it may make or remove names.
	names bool
	// needs is what must be open for it to do anything.
	needs need
	make  func(g *generator, s *step)
	do    func(w *world, s *step) outcome
	show  func(s *step) string
}

// need names the operation that opens what is needed.
type need string

const (
	aFile need = "open"
	aMap  need = "mmap"
	aDir  need = "opendir"
)

func (s *step) String() string { return s.op.name + " " + s.op.show(s) }

// outcome is what a step returned: it must be the same in the view and in the plain directory.
type outcome struct {
	errno unix.Errno
	n     int64  // bytes, or a position
	data  string // bytes read, a link's target, attributes, names
	// seen is the file that was looked at, if any.
	seen *node
}

func failed(err error) outcome {
	errno, ok := err.(unix.Errno)
	if err != nil && !ok {
		errno = unix.EINVAL
	}
	return outcome{errno: errno}
}

// counted is the outcome of a system call that returns a number.
func counted(n int, err error) outcome {
	o := failed(err)
	if err == nil {
		o.n = int64(n)
	}
	return o
}

func (o outcome) String() string {
	if o.errno != 0 {
		return unix.ErrnoName(o.errno)
	}
	data := fmt.Sprintf("%q", o.data)
	if len(o.data) > 300 {
		data = fmt.Sprintf("%d bytes %q...", len(o.data), o.data[:32])
	}
	s := fmt.Sprintf("%d %s", o.n, data)
	if o.seen != nil {
		s += " " + o.seen.String()
	}
	return s
}

// differs says in what two outcomes are not the same, or "".
func (o outcome) differs(plain outcome) string {
	switch {
	case o.errno != plain.errno:
		return "errno"
	case o.n != plain.n:
		return "number"
	case o.data != plain.data:
		i := 0
		for i < min(len(o.data), len(plain.data)) && o.data[i] == plain.data[i] {
			i++
		}
		return fmt.Sprintf("data, from byte %d on", i)
	}
	return ""
}

// Ways to show a step.

func showPath(s *step) string  { return quote(s.path) }
func showPaths(s *step) string { return quote(s.path) + " " + quote(s.path2) }
func showFD(s *step) string    { return fmt.Sprintf("fd%d", s.fd) }
func showRange(s *step) string { return fmt.Sprintf("fd%d off=%d n=%d", s.fd, s.off, s.n) }

func quote(path string) string {
	q := fmt.Sprintf("%q", path)
	if len(path) > 60 && strings.Count(path, "/") < 2 {
		return fmt.Sprintf("%s...(%d bytes)", q[:20], len(path))
	}
	return q
}

// flagNames shows flags by name.
func flagNames(flags int, names []flagName) string {
	var out []string
	for _, f := range names {
		if f.bits != 0 && flags&f.bits == f.bits {
			out = append(out, f.name)
			flags &^= f.bits
		}
	}
	if flags != 0 {
		out = append(out, fmt.Sprintf("%#x", flags))
	}
	return strings.Join(out, "|")
}

type flagName struct {
	name string
	bits int
}

// fill is what is written with a seed: no two pages of it are equal.
func fill(n int, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
