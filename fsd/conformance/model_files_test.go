package conformance

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileOperations work on open descriptors and on contents.
func fileOperations() []*operation {
	return []*operation{
		{name: "open", names: true, weight: 16, make: makeOpen, do: doOpen, show: showOpen},
		{name: "tmpfile", weight: 3, make: makeTmpfile, do: doOpen, show: showOpen},
		{name: "close", needs: aFile, weight: 4, make: makeFD, show: showFD,
			do: func(w *world, s *step) outcome { return failed(w.closeFile(s.fd)) }},
		{name: "read", needs: aFile, weight: 5, make: makeRange, do: doRead, show: showRange},
		{name: "pread", needs: aFile, weight: 6, make: makeRange, do: doPread, show: showRange},
		{name: "write", needs: aFile, weight: 6, make: makeRange, show: showRange,
			do: func(w *world, s *step) outcome { return counted(unix.Write(w.fd(s.fd), fill(s.n, s.data))) }},
		{name: "pwrite", needs: aFile, weight: 9, make: makeRange, show: showRange,
			do: func(w *world, s *step) outcome { return counted(unix.Pwrite(w.fd(s.fd), fill(s.n, s.data), s.off)) }},
		{name: "lseek", needs: aFile, weight: 2, make: makeSeek, do: doSeek,
			show: func(s *step) string { return fmt.Sprintf("fd%d off=%d whence=%d", s.fd, s.off, s.flags) }},
		{name: "ftruncate", needs: aFile, weight: 4, make: makeRange, show: showRange,
			do: func(w *world, s *step) outcome { return failed(unix.Ftruncate(w.fd(s.fd), s.off)) }},
		{name: "fallocate", needs: aFile, weight: 4, make: makeFallocate, show: showFallocate,
			do: func(w *world, s *step) outcome {
				return failed(unix.Fallocate(w.fd(s.fd), uint32(s.flags), s.off, int64(s.n)))
			}},
		{name: "copy_file_range", needs: aFile, weight: 4, make: makeCopy, do: doCopy, show: showCopy},
		{name: "fsync", needs: aFile, weight: 1, make: makeFD, do: doSync, show: showFD},
		{name: "truncate", weight: 4, make: makeTruncate,
			do: doTruncate, show: func(s *step) string { return fmt.Sprintf("%s %d", quote(s.path), s.off) }},
		{name: "readAll", weight: 5, make: makePath, do: doReadAll, show: showPath},
		{name: "overwrite", names: true, weight: 4, make: makeContent, show: showContent,
			do: func(w *world, s *step) outcome { return w.put(s, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC) }},
		{name: "append", weight: 4, make: makeContent, show: showContent,
			do: func(w *world, s *step) outcome { return w.put(s, unix.O_WRONLY|unix.O_APPEND) }},
	}
}

func openFlagNames() []flagName {
	return []flagName{
		{"RDWR", unix.O_RDWR}, {"WRONLY", unix.O_WRONLY}, {"CREAT", unix.O_CREAT}, {"EXCL", unix.O_EXCL},
		{"TRUNC", unix.O_TRUNC}, {"APPEND", unix.O_APPEND}, {"TMPFILE", unix.O_TMPFILE}, {"DIRECTORY", unix.O_DIRECTORY},
		{"NOFOLLOW", unix.O_NOFOLLOW},
	}
}

func showOpen(s *step) string {
	return fmt.Sprintf("fd%d %s %s %04o", s.fd, quote(s.path), flagNames(s.flags, openFlagNames()), s.mode)
}

func showContent(s *step) string { return fmt.Sprintf("%s n=%d", quote(s.path), s.n) }

// unblocked keeps an open of a fifo from waiting for its other end.
const unblocked = unix.O_NONBLOCK | unix.O_CLOEXEC

// doOpen puts a new descriptor into its place. What was there is closed first.
func doOpen(w *world, s *step) outcome {
	if w.files[s.fd] != nil {
		if err := w.closeFile(s.fd); err != nil {
			return failed(err)
		}
	}
	fd, err := unix.Open(w.at(s.path), s.flags|unblocked, s.mode)
	if err != nil {
		return failed(err)
	}
	w.files[s.fd] = &openFile{fd: fd, path: s.path, flags: s.flags}
	return outcome{}
}

func doRead(w *world, s *step) outcome {
	buf := make([]byte, s.n)
	n, err := unix.Read(w.fd(s.fd), buf)
	return readBytes(buf, n, err)
}

func doPread(w *world, s *step) outcome {
	buf := make([]byte, s.n)
	n, err := unix.Pread(w.fd(s.fd), buf, s.off)
	return readBytes(buf, n, err)
}

func readBytes(buf []byte, n int, err error) outcome {
	o := counted(n, err)
	if err == nil {
		o.data = string(buf[:n])
	}
	return o
}

// doSeek leaves directories out: where they end is the filesystem's secret.
func doSeek(w *world, s *step) outcome {
	if n, err := statFD(w.fd(s.fd), viewStat); err == nil && n.kind() == unix.S_IFDIR {
		return outcome{}
	}
	at, err := unix.Seek(w.fd(s.fd), s.off, s.flags)
	return counted(int(at), err)
}

func fallocateModes() []flagName {
	return []flagName{
		{"KEEP_SIZE", unix.FALLOC_FL_KEEP_SIZE}, {"PUNCH_HOLE", unix.FALLOC_FL_PUNCH_HOLE}, {"ZERO_RANGE", unix.FALLOC_FL_ZERO_RANGE},
	}
}

func showFallocate(s *step) string { return showRange(s) + " " + flagNames(s.flags, fallocateModes()) }

func showCopy(s *step) string {
	return fmt.Sprintf("fd%d off=%d to fd%d off=%d n=%d", s.fd, s.off, s.fd2, s.off2, s.n)
}

// doCopy copies until all is copied: the system call may stop anywhere.
func doCopy(w *world, s *step) outcome {
	from, to := s.off, s.off2
	var total int
	for total < s.n {
		n, err := unix.CopyFileRange(w.fd(s.fd), &from, w.fd(s.fd2), &to, s.n-total, 0)
		if err != nil {
			return failed(err)
		}
		if n == 0 {
			break
		}
		total += n
	}
	return counted(total, nil)
}

// doSync is not done to the host's disk, where it takes long and must work.
func doSync(w *world, s *step) outcome {
	if w.plain && w.files[s.fd] != nil {
		n, err := statFD(w.fd(s.fd), plainStat)
		if err == nil && (n.kind() == unix.S_IFREG || n.kind() == unix.S_IFDIR) {
			return outcome{}
		}
	}
	return failed(unix.Fsync(w.fd(s.fd)))
}

// doTruncate does nothing to a file that has the size already. Whether that changes its time is left to the filesystem:
// POSIX says no for truncate and yes for ftruncate, XFS does so, and ext4 does not tell them apart.
func doTruncate(w *world, s *step) outcome {
	if n, err := statPath(w.at(s.path), 0, viewStat); err == nil && n.Size == s.off {
		return outcome{}
	}
	return failed(unix.Truncate(w.at(s.path), s.off))
}

func doReadAll(w *world, s *step) outcome {
	fd, err := unix.Open(w.at(s.path), unix.O_RDONLY|unblocked, 0)
	if err != nil {
		return failed(err)
	}
	defer unix.Close(fd)
	var all []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return failed(err)
		}
		if n == 0 {
			return outcome{n: int64(len(all)), data: string(all)}
		}
		all = append(all, buf[:n]...)
	}
}

// put writes to a path as a program does that opens, writes and closes.
func (w *world) put(s *step, flags int) outcome {
	fd, err := unix.Open(w.at(s.path), flags|unblocked, 0o666)
	if err != nil {
		return failed(err)
	}
	n, err := unix.Write(fd, fill(s.n, s.data))
	if closeErr := unix.Close(fd); err == nil {
		err = closeErr
	}
	return counted(n, err)
}
