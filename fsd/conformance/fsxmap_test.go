package conformance

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// mapRead compares what a shared mapping shows, and the zeros behind the end of the file in its last page.
func (r *fsxRun) mapRead(f *fsxFile) error {
	if len(f.data) == 0 {
		return nil
	}
	m, err := r.mapping(f, false)
	if err != nil {
		return err
	}
	at, n := r.within(f)
	end := min(at+n, m.offset+len(m.memory))
	if at < m.offset || at >= end {
		at, end = m.offset, min(m.offset+len(m.memory), len(f.data))
	}
	if at >= end {
		return r.unmap(f, m) // the file has become too short for it
	}
	f.note("read mapping of %d at %d to %d", m.offset, at, end)
	if err := compare("mapping", at, m.memory[at-m.offset:end-m.offset], f.data[at:end]); err != nil {
		return err
	}
	if end == len(f.data) {
		page := (end - m.offset + fsxPage - 1) &^ (fsxPage - 1)
		for i, c := range m.memory[end-m.offset : page] {
			if c != 0 {
				return fmt.Errorf("mapping: byte %d behind the end of the file at %d is %#x", i, end, c)
			}
		}
	}
	return r.sometimesUnmap(f, m)
}

// mapWrite changes the file through a shared mapping.
func (r *fsxRun) mapWrite(f *fsxFile) error {
	if len(f.data) == 0 {
		return nil
	}
	m, err := r.mapping(f, true)
	if err != nil {
		return err
	}
	limit := min(m.offset+len(m.memory), len(f.data))
	if limit <= m.offset {
		return r.unmap(f, m)
	}
	at := m.offset + r.rng.IntN(limit-m.offset)
	n := min(r.length(), limit-at)
	f.note("write mapping of %d at %d+%d", m.offset, at, n)
	b := r.random(m.memory[at-m.offset : at-m.offset+n])
	f.put(at, b)
	switch r.rng.IntN(4) {
	case 0:
		f.note("msync")
		err = unix.Msync(m.memory, unix.MS_SYNC)
	case 1:
		err = unix.Msync(m.memory, unix.MS_ASYNC)
	}
	if err != nil {
		return fmt.Errorf("msync: %w", err)
	}
	return r.sometimesUnmap(f, m)
}

// mapping takes one that is there or makes one, of a part of the file that starts on a page.
func (r *fsxRun) mapping(f *fsxFile, writable bool) (*fsxMap, error) {
	if len(f.maps) > 0 && r.rng.IntN(2) == 0 {
		if m := f.maps[r.rng.IntN(len(f.maps))]; m.writable || !writable {
			return m, nil
		}
	}
	var o *fsxOpen
	var err error
	prot := unix.PROT_READ
	if writable {
		prot |= unix.PROT_WRITE
		if err = r.copyUp(f); err == nil {
			o, err = r.descriptor(f, func(o *fsxOpen) bool { return o.flags&unix.O_ACCMODE == unix.O_RDWR }, unix.O_RDWR)
		}
	} else {
		o, err = r.descriptor(f, (*fsxOpen).maps, unix.O_RDONLY)
	}
	if err != nil {
		return nil, err
	}
	at, n := r.within(f)
	start := at &^ (fsxPage - 1)
	length := (at - start + n + fsxPage - 1) &^ (fsxPage - 1)
	f.note("map %d+%d", start, length)
	memory, err := unix.Mmap(o.fd, int64(start), length, prot, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap of %d bytes at %d: %w", length, start, err)
	}
	m := &fsxMap{memory: memory, offset: start, writable: writable}
	f.maps = append(f.maps, m)
	return m, nil
}

func (r *fsxRun) sometimesUnmap(f *fsxFile, m *fsxMap) error {
	if len(f.maps) > 2 || r.rng.IntN(2) == 0 {
		return r.unmap(f, m)
	}
	return nil
}

func (r *fsxRun) unmap(f *fsxFile, m *fsxMap) error {
	f.note("unmap %d", m.offset)
	f.maps = slices.DeleteFunc(f.maps, func(other *fsxMap) bool { return other == m })
	return unix.Munmap(m.memory)
}

// verify compares the whole file, by read or by a mapping, and its attributes.
func (r *fsxRun) verify(f *fsxFile) error {
	if err := r.stat(f); err != nil {
		return err
	}
	f.note("verify")
	if len(f.data) == 0 || r.rng.IntN(2) == 0 {
		o, err := r.readable(f)
		if err != nil {
			return err
		}
		return r.readAt(o, 0, fsxMaxSize)
	}
	o, err := r.descriptor(f, (*fsxOpen).maps, unix.O_RDONLY)
	if err != nil {
		return err
	}
	m, err := unix.Mmap(o.fd, 0, len(f.data), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	err = compare("mapping of all", 0, m, f.data)
	if gone := unix.Munmap(m); err == nil {
		err = gone
	}
	return err
}
