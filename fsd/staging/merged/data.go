package merged

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
)

// Read implements READ.
func (fs *FS) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	fs.requests.Count(ops.Read)
	if fs.nodes.untouched(in.NodeId) {
		return fs.lower.Read(cancel, in, buf) // an input has the number that the view gave it
	}
	n := fs.nodes.get(in.NodeId)
	if n == nil {
		return nil, fuse.Status(unix.ESTALE)
	}
	if !n.staged.Load() {
		return fs.lower.Read(cancel, in, buf)
	}
	d, err := fs.openStaged(n, wholeFile)
	if err != nil {
		return nil, fs.status("read", err)
	}
	defer fs.handles.release(d)
	size, err := unix.Pread(d.fd, buf, int64(in.Offset))
	if err != nil {
		return nil, fs.status("read", err)
	}
	return fuse.ReadResultData(buf[:size]), fuse.OK
}

// Writev implements WRITE. With WRITE_CACHE it brings what was written to a mapping: nobody waits for the answer who could
// be told of an error.
func (fs *FS) Writev(_ <-chan struct{}, in *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	fs.requests.Count(ops.Write)
	mapped := in.WriteFlags&fuse.WRITE_CACHE != 0
	size := 0
	status := fs.change("write", in.NodeId, func(d *handle) (err error) {
		if in.WriteFlags&fuse.WRITE_KILL_SUIDGID != 0 {
			if err := d.clearSetID(); err != nil {
				return err
			}
		}
		write := func() error {
			size, err = writeAll(d.fd, data, int64(in.Offset))
			return err
		}
		if mapped && fs.rootless {
			err = d.keepingSetID(write)
		} else {
			err = write()
		}
		if size > 0 && !mapped {
			return nil // write(2) was short, and its caller is told
		}
		return err
	})
	if mapped && !status.Ok() {
		if n := fs.nodes.get(in.NodeId); n != nil {
			fs.lose(n, unix.Errno(status))
		}
	}
	return uint32(size), status
}

// writeAll goes on after a short write, as it comes where a disk gets full, until all is written or there is an error. When
// the kernel writes back the pages of a mapping it looks for an error only (fuse_writepage_end, Linux 6.18): a short write
// would lose the rest, and close(2) succeed.
func writeAll(fd int, data [][]byte, offset int64) (size int, err error) {
	for data = after(data, 0); len(data) > 0; {
		n, err := unix.Pwritev(fd, data, offset+int64(size))
		if err != nil {
			return size, err
		}
		if n == 0 {
			return size, unix.EIO
		}
		size, data = size+n, after(data, n)
	}
	return size, nil
}

// after returns what is left of data without its first n bytes.
func after(data [][]byte, n int) [][]byte {
	for len(data) > 0 && n >= len(data[0]) {
		n -= len(data[0])
		data = data[1:]
	}
	if n == 0 {
		return data
	}
	return append([][]byte{data[0][n:]}, data[1:]...)
}

// change changes the content of a regular file, which it copies up before if need be.
func (fs *FS) change(what string, id uint64, do func(*handle) error) fuse.Status {
	n := fs.nodes.get(id)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	if n.kind != unix.S_IFREG {
		return fuse.EINVAL
	}
	d, err := fs.openStaged(n, wholeFile)
	if err != nil {
		return fs.status("copy up", err)
	}
	defer fs.handles.release(d)
	defer fs.changeBits(n)()
	return fs.status(what, do(d))
}

// Fallocate implements FALLOCATE.
func (fs *FS) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	fs.requests.Count(ops.Fallocate)
	return fs.change("fallocate", in.NodeId, func(d *handle) error {
		return unix.Fallocate(d.fd, in.Mode, int64(in.Offset), int64(in.Length))
	})
}

// CopyFileRange implements COPY_FILE_RANGE. The kernel has written back what it had of both files.
func (fs *FS) CopyFileRange(_ <-chan struct{}, in *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	fs.requests.Count(ops.CopyFileRange)
	from, done, status := fs.source(in.NodeId)
	if !status.Ok() {
		return 0, status
	}
	defer done()
	n := 0
	status = fs.change("copy_file_range", in.NodeIdOut, func(to *handle) (err error) {
		offIn, offOut := int64(in.OffIn), int64(in.OffOut)
		// The answer has 32 bits.
		n, err = unix.CopyFileRange(from, &offIn, to.fd, &offOut, int(min(in.Len, 1<<30)), 0)
		return err
	})
	return uint32(n), status
}

// source opens the content of a file wherever it is.
func (fs *FS) source(id uint64) (fd int, done func(), status fuse.Status) {
	n := fs.nodes.get(id)
	if n == nil {
		return -1, nil, fuse.Status(unix.ESTALE)
	}
	if !n.staged.Load() {
		f, status := fs.lower.Content(n.lower)
		if !status.Ok() {
			return -1, nil, status
		}
		return int(f.Fd()), func() { f.Close() }, fuse.OK
	}
	d, err := fs.openStaged(n, wholeFile)
	if err != nil {
		return -1, nil, fs.status("open", err)
	}
	return d.fd, func() { fs.handles.release(d) }, fuse.OK
}

// StatFs implements STATFS: the staging tree's filesystem is where there may or may not be room.
func (fs *FS) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	fs.requests.Count(ops.Statfs)
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(fs.work.Fd()), &st); err != nil {
		return fs.status("statfs", err)
	}
	*out = fuse.StatfsOut{
		Blocks: st.Blocks, Bfree: st.Bfree, Bavail: st.Bavail, Files: st.Files, Ffree: st.Ffree,
		Bsize: uint32(st.Bsize), Frsize: uint32(st.Frsize), NameLen: min(uint32(st.Namelen), maxName),
	}
	return fuse.OK
}
