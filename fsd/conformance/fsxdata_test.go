package conformance

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// read is a pread, which may go beyond the end.
func (r *fsxRun) read(f *fsxFile) error {
	o, err := r.readable(f)
	if err != nil {
		return err
	}
	at, n := r.extent()
	if r.rng.IntN(2) == 0 && len(f.data) > 0 {
		at %= len(f.data)
	}
	return r.readAt(o, at, n)
}

func (r *fsxRun) readAt(o *fsxOpen, at, n int) error {
	if o.has(unix.O_DIRECT) {
		at, n = at&^(fsxPage-1), (n+fsxPage-1)&^(fsxPage-1)
		n = min(n, fsxMaxSize-at)
	}
	o.file.note("read %d+%d flags %#x", at, n, o.flags)
	buf := r.aligned[:n]
	got, err := unix.Pread(o.fd, buf, int64(at))
	if err != nil {
		return err
	}
	return compare("read", at, buf[:got], o.file.slice(at, n))
}

// spliceRead takes the pages without copying them: FUSE has another way for that.
func (r *fsxRun) spliceRead(f *fsxFile) error {
	o, err := r.descriptor(f, func(o *fsxOpen) bool { return o.reads() && !o.has(unix.O_DIRECT) }, unix.O_RDONLY)
	if err != nil || len(f.data) == 0 {
		return err
	}
	at, n := r.within(f)
	n = min(n, 64<<10) // what a pipe holds
	f.note("splice %d+%d", at, n)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	// A pipe has 16 places for pages: a splice that does not begin on a page may end early.
	from := int64(at)
	got, err := unix.Splice(o.fd, &from, pipe[1], nil, n, 0)
	if err != nil {
		return fmt.Errorf("splice: %w", err)
	}
	if got == 0 || int(got) < n-fsxPage {
		return fmt.Errorf("splice of %d bytes at %d of %d gave %d", n, at, len(f.data), got)
	}
	buf := r.aligned[:got]
	if _, err := unix.Read(pipe[0], buf); err != nil {
		return err
	}
	return compare("splice", at, buf, f.slice(at, int(got)))
}

// write is a pwrite.
func (r *fsxRun) write(f *fsxFile) error {
	o, err := r.writable(f, notAppending)
	if err != nil {
		return err
	}
	at, n := r.extent()
	if r.rng.IntN(3) > 0 && len(f.data) > 0 {
		at %= len(f.data) + 1
		n = min(n, fsxMaxSize-at)
	}
	if o.has(unix.O_DIRECT) {
		at, n = at&^(fsxPage-1), min((n+fsxPage-1)&^(fsxPage-1), fsxMaxSize-at&^(fsxPage-1))
	}
	f.note("write %d+%d flags %#x", at, n, o.flags)
	b := r.random(r.aligned[:n])
	wrote, err := unix.Pwrite(o.fd, b, int64(at))
	if err != nil || wrote != n {
		return fmt.Errorf("pwrite of %d at %d: %d, %w", n, at, wrote, err)
	}
	f.put(at, b)
	return nil
}

// append writes with O_APPEND.
func (r *fsxRun) append(f *fsxFile) error {
	n := min(r.length(), fsxMaxSize-len(f.data))
	if n == 0 {
		return nil
	}
	if err := r.copyUp(f); err != nil {
		return err
	}
	appending := func(o *fsxOpen) bool { return o.writes() && o.has(unix.O_APPEND) }
	o, err := r.descriptor(f, appending, unix.O_RDWR|unix.O_APPEND)
	if err != nil {
		return err
	}
	f.note("append %d at %d", n, len(f.data))
	b := r.random(r.aligned[:n])
	wrote, err := unix.Write(o.fd, b)
	if err != nil || wrote != n {
		return fmt.Errorf("write of %d: %d, %w", n, wrote, err)
	}
	f.put(len(f.data), b)
	return nil
}

// truncate sets the size, by a descriptor or by a name.
func (r *fsxRun) truncate(f *fsxFile) error {
	n := r.offset()
	if r.rng.IntN(2) == 0 {
		n = r.rng.IntN(len(f.data) + 1)
	}
	var err error
	if r.rng.IntN(2) == 0 {
		if err = r.copyUp(f); err == nil {
			f.note("truncate %d", n)
			err = unix.Truncate(f.name(r.rng), int64(n))
		}
	} else {
		var o *fsxOpen
		if o, err = r.writable(f, func(*fsxOpen) bool { return true }); err == nil {
			f.note("ftruncate %d", n)
			err = unix.Ftruncate(o.fd, int64(n))
		}
	}
	if err == nil {
		f.resize(n)
	}
	return err
}

// fallocate reserves, or makes zeros of what was there.
func (r *fsxRun) fallocate(f *fsxFile) error {
	if len(r.Fallocate) == 0 {
		return nil
	}
	o, err := r.writable(f, notAppending)
	if err != nil {
		return err
	}
	mode := r.Fallocate[r.rng.IntN(len(r.Fallocate))]
	at, n := r.extent()
	if n == 0 {
		return nil
	}
	f.note("fallocate %#x %d+%d", mode, at, n)
	if err := unix.Fallocate(o.fd, mode, int64(at), int64(n)); err != nil {
		return fmt.Errorf("mode %#x at %d+%d: %w", mode, at, n, err)
	}
	if mode&unix.FALLOC_FL_KEEP_SIZE == 0 {
		f.grow(at + n)
	}
	if mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0 {
		f.zero(at, n)
	}
	return nil
}

// copyRange copies inside a file or between two.
func (r *fsxRun) copyRange(to *fsxFile) error {
	from := r.files[r.rng.IntN(len(r.files))]
	if len(from.data) == 0 {
		return nil
	}
	fromAt, n := r.within(from)
	toAt := r.offset()
	n = min(n, fsxMaxSize-toAt)
	if from == to && fromAt < toAt+n && toAt < fromAt+n {
		return nil // overlapping ranges are refused
	}
	out, err := r.writable(to, func(o *fsxOpen) bool { return notAppending(o) && !o.has(unix.O_DIRECT) })
	if err != nil {
		return err
	}
	if from.lower && r.NoCopy {
		return nil
	}
	in, err := r.descriptor(from, func(o *fsxOpen) bool { return o.reads() && !o.has(unix.O_DIRECT) }, unix.O_RDONLY)
	if err != nil {
		return err
	}
	from.note("copied from %d+%d", fromAt, n)
	to.note("copied to %d+%d", toAt, n)
	for done := 0; done < n; {
		a, b := int64(fromAt+done), int64(toAt+done)
		got, err := unix.CopyFileRange(in.fd, &a, out.fd, &b, n-done, 0)
		if err != nil {
			return fmt.Errorf("%d bytes from %d to %d, after %d: %w", n, fromAt, toAt, done, err)
		}
		if got == 0 {
			return fmt.Errorf("%d bytes from %d of %d: ended after %d", n, fromAt, len(from.data), done)
		}
		done += got
	}
	to.put(toAt, append([]byte(nil), from.data[fromAt:fromAt+n]...))
	return nil
}

func (r *fsxRun) sync(f *fsxFile) error {
	o, err := r.readable(f)
	if err != nil {
		return err
	}
	f.note("sync")
	if r.rng.IntN(2) == 0 {
		return unix.Fdatasync(o.fd)
	}
	return unix.Fsync(o.fd)
}

// dropCache makes later reads come from the filesystem.
func (r *fsxRun) dropCache(f *fsxFile) error {
	o, err := r.readable(f)
	if err != nil {
		return err
	}
	f.note("drop the cache")
	return errors.Join(unix.Fsync(o.fd), unix.Fadvise(o.fd, 0, 0, unix.FADV_DONTNEED))
}

// seekData walks over the holes and requires that they hold nothing.
func (r *fsxRun) seekData(f *fsxFile) error {
	o, err := r.readable(f)
	if err != nil {
		return err
	}
	f.note("seek for data")
	for at := 0; at < len(f.data); {
		data, err := unix.Seek(o.fd, int64(at), unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			data = int64(len(f.data))
		} else if err != nil {
			return fmt.Errorf("SEEK_DATA from %d: %w", at, err)
		}
		if data < int64(at) || data > int64(len(f.data)) {
			return fmt.Errorf("SEEK_DATA from %d of %d: %d", at, len(f.data), data)
		}
		if err := allZero(f.data[at:data], at); err != nil || data == int64(len(f.data)) {
			return err
		}
		hole, err := unix.Seek(o.fd, data, unix.SEEK_HOLE)
		if err != nil || hole <= data || hole > int64(len(f.data)) {
			return fmt.Errorf("SEEK_HOLE from %d of %d: %d, %w", data, len(f.data), hole, err)
		}
		at = int(hole)
	}
	return nil
}

func allZero(b []byte, at int) error {
	for i, c := range b {
		if c != 0 {
			return fmt.Errorf("data at %d is in what SEEK_DATA calls a hole, from %d to %d", at+i, at, at+len(b))
		}
	}
	return nil
}
