package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fsxFile is a file under test: its names, what has it open and mapped, and the copy in memory of what it must hold.
type fsxFile struct {
	names []string // paths; all are hard links of one file
	data  []byte   // len is the file's size
	opens []*fsxOpen
	maps  []*fsxMap
	// lower says that nothing has copied the file up: it is still the input.
	lower bool
	// input is the hash of the input that the file was when it began; "" for a new file.
	input string
	// generation counts the files that had these names.
	generation int
	// history is what was done to the file, for the report of a failure.
	history []string
}

type fsxOpen struct {
	fd    int
	flags int
	file  *fsxFile
	// stale says that a mapping by this descriptor would show the input that the file once was.
	stale bool
}

// fsxMap is a shared mapping. It may reach beyond the end of a file that has been cut since; nobody may touch it there.
type fsxMap struct {
	memory   []byte
	offset   int // in the file, a multiple of the page's size
	writable bool
}

func (o *fsxOpen) has(flag int) bool { return o.flags&flag == flag }

func (o *fsxOpen) reads() bool  { return o.flags&unix.O_ACCMODE != unix.O_WRONLY }
func (o *fsxOpen) writes() bool { return o.flags&unix.O_ACCMODE != unix.O_RDONLY }

// maps tells whether a mapping for reading can be made by this descriptor.
func (o *fsxOpen) maps() bool { return o.reads() && !o.stale }

// name picks one of the file's names.
func (f *fsxFile) name(r *rand.Rand) string { return f.names[r.IntN(len(f.names))] }

func (f *fsxFile) note(format string, args ...any) {
	const kept = 40
	f.history = append(f.history, fmt.Sprintf(format, args...))
	if len(f.history) > kept {
		f.history = f.history[len(f.history)-kept:]
	}
}

// open opens the file by one of its names. flags may hold O_TRUNC.
func (f *fsxFile) open(path string, flags int) (*fsxOpen, error) {
	f.note("open %s flags %#x", filepath.Base(path), flags)
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open %s with flags %#x: %w", path, flags, err)
	}
	if flags&unix.O_TRUNC != 0 {
		f.data = f.data[:0]
	}
	o := &fsxOpen{fd: fd, flags: flags, file: f}
	f.opens = append(f.opens, o)
	return o, nil
}

// closeAll closes descriptors and mappings.
func (f *fsxFile) closeAll() error {
	all := f.unmapAll()
	for _, o := range f.opens {
		all = errors.Join(all, unix.Close(o.fd))
	}
	f.opens = nil
	return all
}

func (f *fsxFile) unmapAll() error {
	var all error
	for _, m := range f.maps {
		all = errors.Join(all, unix.Munmap(m.memory))
	}
	f.maps = nil
	return all
}

// grow makes the copy at least n bytes long. What is new is zero: a slice that was cut keeps its old bytes.
func (f *fsxFile) grow(n int) {
	if old := len(f.data); n > old {
		if n > cap(f.data) {
			f.data = append(f.data, make([]byte, n-old)...)
			return
		}
		f.data = f.data[:n]
		clear(f.data[old:])
	}
}

// put is a write in the copy.
func (f *fsxFile) put(at int, b []byte) {
	f.grow(at + len(b))
	copy(f.data[at:], b)
}

// zero is a hole in the copy, which never makes it longer.
func (f *fsxFile) zero(at, n int) {
	if at < len(f.data) {
		clear(f.data[at:min(at+n, len(f.data))])
	}
}

// resize is a truncate in the copy.
func (f *fsxFile) resize(n int) {
	f.grow(n)
	f.data = f.data[:n]
}

// slice is what a read must give.
func (f *fsxFile) slice(at, n int) []byte {
	if at >= len(f.data) {
		return nil
	}
	return f.data[at:min(at+n, len(f.data))]
}

// compare tells the first difference between what was read at an offset and what it must be.
func compare(how string, at int, got, want []byte) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s at %d: %d bytes, expected %d", how, at, len(got), len(want))
	}
	if bytes.Equal(got, want) {
		return nil
	}
	first := 0
	for got[first] == want[first] {
		first++
	}
	last := len(got) - 1
	for got[last] == want[last] {
		last--
	}
	end := min(first+16, last+1)
	return fmt.Errorf("%s of %d bytes at %d: wrong from %d to %d: % x..., expected % x...",
		how, len(got), at, at+first, at+last, got[first:end], want[first:end])
}
