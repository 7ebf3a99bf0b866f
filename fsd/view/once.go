package view

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
)

// The operations in this file answer ENOSYS, which is not a failure: it tells the kernel that the view has no need of
// them. The kernel then does the right thing by itself and does not ask again for the life of the mount, except for
// IOCTL, which it has no memory for. Extended attributes are the same; go-fuse answers those (DisableXAttrs).

// Open implements OPEN. See "Zero-message opens" in the package comment.
func (v *View) Open(_ <-chan struct{}, in *fuse.OpenIn, _ *fuse.OpenOut) fuse.Status {
	if in.Flags&unix.O_ACCMODE != unix.O_RDONLY {
		return v.refuse(ops.Open)
	}
	return v.decline(ops.Open)
}

// OpenDir implements OPENDIR: as OPEN, and the kernel caches what it lists.
func (v *View) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status {
	return v.decline(ops.Opendir)
}

// Flush implements FLUSH, which would come for each close(2).
func (v *View) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return v.decline(ops.Flush) }

// Fsync implements FSYNC.
func (v *View) Fsync(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return v.decline(ops.Fsync) }

// FsyncDir implements FSYNCDIR.
func (v *View) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return v.decline(ops.Fsyncdir) }

// Lseek implements LSEEK, which only comes for SEEK_DATA and SEEK_HOLE.
func (v *View) Lseek(<-chan struct{}, *fuse.LseekIn, *fuse.LseekOut) fuse.Status {
	return v.decline(ops.Lseek)
}

// Access implements ACCESS, which only comes without default_permissions.
func (v *View) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status { return v.decline(ops.Access) }

// Ioctl implements IOCTL. The caller gets ENOTTY.
func (v *View) Ioctl(<-chan struct{}, *fuse.IoctlIn, []byte, *fuse.IoctlOut, []byte) fuse.Status {
	return v.decline(ops.Ioctl)
}

func (v *View) decline(o ops.Op) fuse.Status {
	v.requests.Count(o)
	return fuse.ENOSYS
}

// Release implements RELEASE. It comes for what was opened by an OPEN, so never.
func (v *View) Release(<-chan struct{}, *fuse.ReleaseIn) { v.requests.Count(ops.Release) }

// ReleaseDir implements RELEASEDIR.
func (v *View) ReleaseDir(*fuse.ReleaseIn) { v.requests.Count(ops.Releasedir) }

// StatFs implements STATFS. How much a view holds is not known before all of it is loaded, so the counts are zero, which
// df takes for "no real file system"; the longest name is what overlayfs asks for.
func (v *View) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	v.requests.Count(ops.Statfs)
	*out = fuse.StatfsOut{Bsize: blockSize, Frsize: blockSize, NameLen: maxName}
	return fuse.OK
}
