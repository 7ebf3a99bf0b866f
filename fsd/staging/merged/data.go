package merged

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
)

// Read implements READ.
func (fs *FS) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	fs.requests.Count(ops.Read)
	n := fs.nodes.get(in.NodeId)
	if n == nil {
		return nil, fuse.Status(unix.ESTALE)
	}
	if !n.staged.Load() {
		return fs.lower.Read(cancel, in, buf) // an input has the number that the view gave it
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

// Writev implements WRITE.
func (fs *FS) Writev(_ <-chan struct{}, in *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	fs.requests.Count(ops.Write)
	d, status := fs.forChange(in.NodeId)
	if !status.Ok() {
		return 0, status
	}
	defer fs.handles.release(d)
	if in.WriteFlags&fuse.WRITE_KILL_SUIDGID != 0 {
		if err := d.clearSetID(); err != nil {
			return 0, fs.status("write", err)
		}
	}
	size, err := unix.Pwritev(d.fd, data, int64(in.Offset))
	if err != nil {
		return 0, fs.status("write", err)
	}
	return uint32(size), fuse.OK
}

// forChange acquires the handle of a regular file whose content is about to change.
func (fs *FS) forChange(id uint64) (*handle, fuse.Status) {
	n := fs.nodes.get(id)
	if n == nil {
		return nil, fuse.Status(unix.ESTALE)
	}
	if n.kind != unix.S_IFREG {
		return nil, fuse.EINVAL
	}
	d, err := fs.openStaged(n, wholeFile)
	if err != nil {
		return nil, fs.status("copy up", err)
	}
	return d, fuse.OK
}

// Fallocate implements FALLOCATE.
func (fs *FS) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	fs.requests.Count(ops.Fallocate)
	d, status := fs.forChange(in.NodeId)
	if !status.Ok() {
		return status
	}
	defer fs.handles.release(d)
	return fs.status("fallocate", unix.Fallocate(d.fd, in.Mode, int64(in.Offset), int64(in.Length)))
}

// CopyFileRange implements COPY_FILE_RANGE. The kernel has written back what it had of both files.
func (fs *FS) CopyFileRange(_ <-chan struct{}, in *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	fs.requests.Count(ops.CopyFileRange)
	from := fs.nodes.get(in.NodeId)
	if from == nil {
		return 0, fuse.Status(unix.ESTALE)
	}
	to, status := fs.forChange(in.NodeIdOut)
	if !status.Ok() {
		return 0, status
	}
	defer fs.handles.release(to)
	offIn, offOut := int64(in.OffIn), int64(in.OffOut)
	// The answer has 32 bits.
	length := int(min(in.Len, 1<<30))
	if !from.staged.Load() {
		f, status := fs.lower.Content(from.lower)
		if !status.Ok() {
			return 0, status
		}
		defer f.Close()
		n, err := unix.CopyFileRange(int(f.Fd()), &offIn, to.fd, &offOut, length, 0)
		return uint32(n), fs.status("copy_file_range", err)
	}
	d, err := fs.openStaged(from, wholeFile)
	if err != nil {
		return 0, fs.status("copy_file_range", err)
	}
	defer fs.handles.release(d)
	n, err := unix.CopyFileRange(d.fd, &offIn, to.fd, &offOut, length, 0)
	return uint32(n), fs.status("copy_file_range", err)
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
