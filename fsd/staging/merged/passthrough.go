package merged

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
)

// Data is the way that the content of staged files takes: see "Data" in the package comment.
type Data string

// The two ways.
const (
	Cached      Data = "cached"
	Passthrough Data = "passthrough"
)

// opens are the descriptors of a node that the kernel has got by OPEN, CREATE or TMPFILE, with Passthrough. Those that go
// through the kernel's cache and those that go to the backing file must not be there at the same time: what one writes the
// other would not see, so the kernel answers EIO to the second kind. So each open is of the kind that is there already.
type opens struct {
	mu                  sync.Mutex
	cached, passthrough int
	backing             int32 // the kernel's number of the backing file, while there are passthrough opens
}

// File handles say of what kind an open is.
const (
	fhCached uint64 = iota + 1
	fhPassthrough
)

// Init implements fuse.RawFileSystem.
func (fs *FS) Init(s *fuse.Server) { fs.server = s }

// TryPassthrough finds out whether the kernel takes backing files from the staging tree: that needs Linux 6.9, the host's
// CAP_SYS_ADMIN, and a filesystem that is not itself stacked. The FS is served, and nobody uses it yet.
func (fs *FS) TryPassthrough() error {
	fd, err := unix.Openat(int(fs.work.Fd()), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if offered := fs.server.KernelSettings().Flags64()&fuse.CAP_PASSTHROUGH != 0; !offered {
		return errors.New("the kernel has no FUSE passthrough (Linux 6.9)")
	}
	id, errno := fs.server.RegisterBackingFd(&fuse.BackingMap{Fd: int32(fd)})
	if errno != 0 {
		return fmt.Errorf("register a backing file: %w", errno)
	}
	if errno := fs.server.UnregisterBackingFd(id); errno != 0 {
		return fmt.Errorf("unregister a backing file: %w", errno)
	}
	return nil
}

// Open implements OPEN. With Cached it never comes again: see "Zero-message opens" in the package comment.
func (fs *FS) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if fs.data == Cached {
		return fs.decline(ops.Open)
	}
	fs.requests.Count(ops.Open)
	n := fs.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	if in.Flags&unix.O_ACCMODE != unix.O_RDONLY || in.Flags&unix.O_TRUNC != 0 {
		if err := fs.openForChange(n, in); err != nil {
			return fs.status("open", err)
		}
	}
	fs.opened(n, in.Flags, out)
	return fuse.OK
}

// openForChange copies an input up before it is written to, and truncates.
func (fs *FS) openForChange(n *node, in *fuse.OpenIn) error {
	truncate := in.Flags&unix.O_TRUNC != 0
	size := int64(wholeFile)
	if truncate {
		size = 0
	}
	d, err := fs.openStaged(n, size)
	if err != nil {
		return err
	}
	defer fs.handles.release(d)
	if truncate && in.Mode&fuse.OPEN_KILL_SUIDGID != 0 {
		if err := d.clearSetID(); err != nil {
			return err
		}
	}
	if truncate {
		return unix.Ftruncate(d.fd, 0)
	}
	return nil
}

// opened decides of what kind an open with the given flags is. An input is read through the cache, since its content gets
// another inode when it is copied up, and an inode has one backing file only. So is a file with a setuid or setgid bit
// written: a write past the daemon would not clear it.
func (fs *FS) opened(n *node, flags uint32, out *fuse.OpenOut) {
	o := &n.opens
	o.mu.Lock()
	defer o.mu.Unlock()
	if n.staged.Load() && o.cached == 0 && (o.passthrough > 0 || fs.register(n, flags)) {
		o.passthrough++
		out.Fh, out.OpenFlags, out.BackingID = fhPassthrough, fuse.FOPEN_PASSTHROUGH, o.backing
		return
	}
	o.cached++
	out.Fh = fhCached
	if !n.staged.Load() {
		out.OpenFlags = fuse.FOPEN_KEEP_CACHE // what is staged may have been changed past the cache
	}
}

// register makes the staged file of n its backing file, unless it should be written through the cache.
func (fs *FS) register(n *node, flags uint32) bool {
	d, err := fs.openStaged(n, wholeFile)
	if err == nil {
		defer fs.handles.release(d)
		if flags&unix.O_ACCMODE != unix.O_RDONLY && d.hasSetID() {
			return false
		}
		id, errno := fs.server.RegisterBackingFd(&fuse.BackingMap{Fd: int32(d.fd)})
		if errno == 0 {
			n.opens.backing = id
			return true
		}
		err = errno
	}
	if fs.failed.Add(1) == 1 {
		fs.log.Warn("no passthrough for a file", "cause", err)
	}
	return false
}

func (d *handle) hasSetID() bool {
	var st unix.Stat_t
	return unix.Fstat(d.fd, &st) == nil && st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0
}

// FailedRegistrations returns how many opens could not be passed through though they should have been.
func (fs *FS) FailedRegistrations() uint64 { return fs.failed.Load() }

// Release implements RELEASE.
func (fs *FS) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	fs.requests.Count(ops.Release)
	n := fs.nodes.get(in.NodeId)
	if n == nil {
		return
	}
	o := &n.opens
	o.mu.Lock()
	defer o.mu.Unlock()
	switch in.Fh {
	case fhCached:
		o.cached--
	case fhPassthrough:
		o.passthrough--
		if o.passthrough == 0 {
			if errno := fs.server.UnregisterBackingFd(o.backing); errno != 0 {
				fs.log.Warn("backing file stays registered", "cause", errno)
			}
		}
	}
}

// Create implements CREATE. With Cached the kernel makes a file with MKNOD instead and needs no RELEASE for it.
func (fs *FS) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if fs.data == Cached {
		return fs.decline(ops.Create)
	}
	fs.requests.Count(ops.Create)
	b := birth{kind: unix.S_IFREG, mode: in.Mode & permissions, uid: in.Uid, gid: in.Gid}
	b.make = func(dir int, name string) (*handle, error) { return createFile(dir, name, b.mode) }
	status := fs.make(&in.InHeader, name, b, &out.EntryOut)
	if status.Ok() {
		fs.opened(fs.nodes.get(out.NodeId), in.Flags, &out.OpenOut)
	}
	return status
}

// Lseek implements LSEEK, which only comes for SEEK_DATA and SEEK_HOLE. With Cached, what the job has written may still be
// in the kernel's cache, so only the kernel can answer: it takes the whole file for data.
func (fs *FS) Lseek(_ <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	if fs.data == Cached {
		return fs.decline(ops.Lseek)
	}
	fs.requests.Count(ops.Lseek)
	n := fs.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	throughCache := n.opens.throughCache()
	fs.names.RLock()
	defer fs.names.RUnlock()
	if throughCache || !n.staged.Load() {
		return fs.seekAnywhere(n, in, out)
	}
	d, err := fs.open(n)
	if err != nil {
		return fs.status("seek", err)
	}
	defer fs.handles.release(d)
	// The descriptor's own offset is nobody's.
	at, err := unix.Seek(d.fd, int64(in.Offset), int(in.Whence))
	out.Offset = uint64(at)
	return fs.status("seek", err)
}

// throughCache says that there may be data in the kernel's cache that was not written back: a mapping's.
func (o *opens) throughCache() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cached > 0
}

// seekAnywhere takes the whole of a file for data. FS.names is held.
func (fs *FS) seekAnywhere(n *node, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	var attr fuse.AttrOut
	if status := fs.attr(n, &attr); !status.Ok() {
		return status
	}
	if in.Offset >= attr.Size {
		return fuse.Status(unix.ENXIO)
	}
	if out.Offset = in.Offset; in.Whence == unix.SEEK_HOLE {
		out.Offset = attr.Size
	}
	return fuse.OK
}
