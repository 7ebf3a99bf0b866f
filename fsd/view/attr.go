package view

import (
	"math"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
)

const (
	// forever is how long the kernel may keep names and attributes, in seconds. It adds this to its clock in jiffies and
	// caps what does not fit (timespec64_to_jiffies), so any huge value will do.
	forever = math.MaxUint32

	// blockSize is st_blksize. The kernel also takes it as the inode's i_blkbits, so it is the page size and not larger.
	blockSize = 4096
	// sectorSize is the unit of st_blocks, whatever the block size.
	sectorSize = 512
)

// fill writes the attributes of entry i of d, a file or symlink.
func (v *View) fill(out *fuse.Attr, d *dir, i int) {
	e := &d.entries[i]
	mode := uint32(unix.S_IFREG)
	if e.kind == tree.Symlink {
		mode = unix.S_IFLNK
	}
	*out = fuse.Attr{
		Ino: uint64(d.base) + uint64(i), Mode: mode | uint32(e.mode), Nlink: 1,
		Size: uint64(e.size), Blocks: uint64(e.size+sectorSize-1) / sectorSize, Blksize: blockSize,
		Owner: fuse.Owner{Uid: v.options.UID, Gid: v.options.GID},
	}
	setTimes(out, e.mtimeSec, e.mtimeNsec)
}

// fillDir writes the attributes of the directory d.
func (v *View) fillDir(out *fuse.Attr, d *dir) {
	*out = fuse.Attr{
		Ino: uint64(d.node), Mode: unix.S_IFDIR | d.mode, Nlink: 2 + d.subdirs, Blksize: blockSize,
		Owner: fuse.Owner{Uid: v.options.UID, Gid: v.options.GID},
	}
	setTimes(out, d.mtimeSec, d.mtimeNsec)
}

// setTimes sets all three times to the only one a tree has, so that each is the same in every view of it.
func setTimes(out *fuse.Attr, sec int64, nsec int32) {
	out.Mtime, out.Mtimensec = uint64(sec), uint32(nsec)
	out.Atime, out.Atimensec = out.Mtime, out.Mtimensec
	out.Ctime, out.Ctimensec = out.Mtime, out.Mtimensec
}
