package merged

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/fsd/ops"
)

// The operations in this file answer ENOSYS, which is not a failure: it tells the kernel that the filesystem has no need
// of them. The kernel then does the right thing by itself and does not ask again for the life of the mount, except for
// IOCTL, which it has no memory for.

// OpenDir implements OPENDIR: as OPEN, and the kernel caches what it lists.
func (fs *FS) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status {
	return fs.decline(ops.Opendir)
}

// Flush implements FLUSH. The kernel has written back what the descriptor's file had in cache before it asks, and does so
// before each close(2) however this is answered.
func (fs *FS) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fs.decline(ops.Flush) }

// Fsync implements FSYNC. As with an overlay mounted volatile, the job's syncs reach the staging tree and not the disk:
// collection syncs once, before it names anything.
func (fs *FS) Fsync(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fs.decline(ops.Fsync) }

// FsyncDir implements FSYNCDIR.
func (fs *FS) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fs.decline(ops.Fsyncdir) }

// Access implements ACCESS, which only comes without default_permissions.
func (fs *FS) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status { return fs.decline(ops.Access) }

// Ioctl implements IOCTL. The caller gets ENOTTY.
func (fs *FS) Ioctl(<-chan struct{}, *fuse.IoctlIn, []byte, *fuse.IoctlOut, []byte) fuse.Status {
	return fs.decline(ops.Ioctl)
}

// ReleaseDir implements RELEASEDIR.
func (fs *FS) ReleaseDir(*fuse.ReleaseIn) { fs.requests.Count(ops.Releasedir) }

func (fs *FS) decline(o ops.Op) fuse.Status {
	fs.requests.Count(o)
	return fuse.ENOSYS
}
