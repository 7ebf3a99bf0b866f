package conformance

import (
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// mapOperations use files as memory.
func mapOperations() []*operation {
	return []*operation{
		{name: "mmap", needs: aFile, weight: 4, make: makeMmap, do: doMmap, show: showMmap},
		{name: "mapWrite", needs: aMap, weight: 5, make: makeMapRange, do: doMapWrite, show: showMapRange},
		{name: "mapRead", needs: aMap, weight: 4, make: makeMapRange, do: doMapRead, show: showMapRange},
		{name: "msync", needs: aMap, weight: 1, make: makeMapRange, do: doMsync, show: showMapRange},
		{name: "munmap", needs: aMap, weight: 2, make: makeMapRange, show: showMapRange,
			do: func(w *world, s *step) outcome { return failed(w.unmap(s.fd2)) }},
	}
}

func showMmap(s *step) string {
	return fmt.Sprintf("map%d fd%d %s n=%d", s.fd2, s.fd, flagNames(s.flags, []flagName{{"WRITE", unix.PROT_WRITE}, {"READ", unix.PROT_READ}}), s.n)
}

func showMapRange(s *step) string { return fmt.Sprintf("map%d off=%d n=%d", s.fd2, s.off, s.n) }

func doMmap(w *world, s *step) outcome {
	if w.maps[s.fd2] != nil {
		if err := w.unmap(s.fd2); err != nil {
			return failed(err)
		}
	}
	fd, err := unix.FcntlInt(uintptr(w.fd(s.fd)), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return failed(err)
	}
	mem, err := unix.Mmap(fd, 0, s.n, s.flags, unix.MAP_SHARED)
	if err != nil {
		unix.Close(fd)
		return failed(err)
	}
	w.maps[s.fd2] = &mapping{fd: fd, mem: mem, writable: s.flags&unix.PROT_WRITE != 0}
	return outcome{}
}

// window is the part of a range that is mapped and in the file, page by page: the rest of its last page is memory, too.
func (m *mapping) window(off int64, n int) ([]byte, error) {
	st, err := statFD(m.fd, viewStat)
	if err != nil {
		return nil, err
	}
	end := min(int64(len(m.mem)), st.Size, off+int64(n))
	if off >= end {
		return nil, nil
	}
	return m.mem[off:end], nil
}

func doMapWrite(w *world, s *step) outcome {
	return w.throughMap(s, func(m *mapping, part []byte) outcome {
		if !m.writable {
			return failed(unix.EACCES)
		}
		return counted(copy(part, fill(len(part), s.data)), nil)
	})
}

func doMapRead(w *world, s *step) outcome {
	return w.throughMap(s, func(_ *mapping, part []byte) outcome {
		return outcome{n: int64(len(part)), data: string(part)}
	})
}

func (w *world) throughMap(s *step, fn func(m *mapping, part []byte) outcome) (o outcome) {
	m := w.maps[s.fd2]
	if m == nil {
		return failed(unix.EINVAL)
	}
	part, err := m.window(s.off, s.n)
	if err != nil {
		return failed(err)
	}
	// A page that the filesystem can't give or has no more is SIGBUS.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			o = failed(unix.EFAULT)
		}
	}()
	return fn(m, part)
}

// doMsync is not done to the host's disk, where it takes long and must work.
func doMsync(w *world, s *step) outcome {
	m := w.maps[s.fd2]
	if m == nil {
		return failed(unix.EINVAL)
	}
	if w.plain {
		return outcome{}
	}
	return failed(unix.Msync(m.mem, unix.MS_SYNC))
}
