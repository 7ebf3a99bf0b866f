package merged

import (
	"errors"
	"iter"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
)

// blockSize is st_blksize. The kernel also takes it as the inode's i_blkbits, so it is the page size and not larger.
const blockSize = 4096

// fill writes the attributes of a staged inode.
func fill(out *fuse.Attr, n *node, st *unix.Stat_t) {
	*out = fuse.Attr{
		Ino: n.id, Mode: st.Mode, Nlink: uint32(st.Nlink), Size: uint64(st.Size), Blocks: uint64(st.Blocks),
		Blksize: blockSize, Rdev: uint32(st.Rdev), Owner: fuse.Owner{Uid: st.Uid, Gid: st.Gid},
		Atime: uint64(st.Atim.Sec), Atimensec: uint32(st.Atim.Nsec),
		Mtime: uint64(st.Mtim.Sec), Mtimensec: uint32(st.Mtim.Nsec),
		Ctime: uint64(st.Ctim.Sec), Ctimensec: uint32(st.Ctim.Nsec),
	}
	if n.kind == unix.S_IFDIR && n.lower != 0 && st.Nlink > 0 {
		// Counting would mean to read both layers. For find(1) and the like, 1 is "not known how many directories".
		out.Nlink = 1
	}
}

// valid is how long the kernel may keep the attributes of n, in seconds. What is written to a backing file by a mapping
// changes its times behind the kernel's FUSE inode.
func (fs *FS) valid(n *node) uint64 {
	if fs.data == Passthrough && n.kind == unix.S_IFREG && n.staged.Load() {
		return 0
	}
	return forever
}

// GetAttr implements GETATTR.
func (fs *FS) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	fs.requests.Count(ops.Getattr)
	fs.names.RLock()
	defer fs.names.RUnlock()
	if fs.nodes.untouched(in.NodeId) {
		out.AttrValid = forever
		return fs.lower.Attr(in.NodeId, &out.Attr)
	}
	n := fs.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	return fs.attr(n, out)
}

// attr fills out with the attributes of n. FS.names is held.
func (fs *FS) attr(n *node, out *fuse.AttrOut) fuse.Status {
	out.AttrValid = fs.valid(n)
	if !n.staged.Load() {
		status := fs.lower.Attr(n.lower, &out.Attr)
		if len(fs.nodes.linksOf(n)) == 0 {
			out.Nlink = 0
		}
		return status
	}
	st, err := fs.stat(n)
	if err != nil {
		return fs.status("stat", err)
	}
	fill(&out.Attr, n, &st)
	return fuse.OK
}

// stat returns what the staging tree says of a staged node, without opening it if it has a name.
func (fs *FS) stat(n *node) (st unix.Stat_t, err error) {
	if d := fs.handles.acquire(n); d != nil {
		defer fs.handles.release(d)
		return st, unix.Fstat(d.dirfd(), &st)
	}
	for _, l := range fs.nodes.linksOf(n) {
		dir := fs.nodes.get(l.dir)
		if dir == nil {
			continue
		}
		d, err := fs.open(dir)
		if err != nil {
			return st, err
		}
		defer fs.handles.release(d)
		return st, unix.Fstatat(d.dirfd(), l.name, &st, unix.AT_SYMLINK_NOFOLLOW)
	}
	return st, unix.ESTALE
}

// SetAttr implements SETATTR: chmod, chown, truncate, utimens.
func (fs *FS) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	fs.requests.Count(ops.Setattr)
	n := fs.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	size := int64(wholeFile)
	if s, ok := in.GetSize(); ok {
		size = int64(s)
	}
	d, err := fs.openStaged(n, size)
	if err != nil {
		return fs.status("copy up", err)
	}
	defer fs.handles.release(d)
	unlock := fs.changeBits(n)
	err = fs.setAttr(n, d, in)
	unlock()
	if err != nil {
		return fs.status("change attributes", err)
	}
	fs.names.RLock()
	defer fs.names.RUnlock()
	return fs.attr(n, out)
}

// setAttr applies the owner first, since changing it clears mode bits, and the times last, since truncating sets them.
func (fs *FS) setAttr(n *node, d *handle, in *fuse.SetAttrIn) error {
	uid, setUID := in.GetUID()
	gid, setGID := in.GetGID()
	if setUID || setGID {
		if err := d.chown(owner(uid, setUID), owner(gid, setGID)); err != nil {
			return err
		}
	}
	if size, ok := in.GetSize(); ok {
		if err := fs.truncate(n, d, in, int64(size)); err != nil {
			return err
		}
	}
	if mode, ok := in.GetMode(); ok {
		if err := d.chmod(mode); err != nil {
			return err
		}
	}
	return d.utimes(in)
}

func (fs *FS) truncate(n *node, d *handle, in *fuse.SetAttrIn, size int64) error {
	if n.kind != unix.S_IFREG {
		return unix.EINVAL
	}
	if in.Valid&fuse.FATTR_KILL_SUIDGID != 0 {
		if err := d.clearSetID(); err != nil {
			return err
		}
	}
	err := unix.Ftruncate(d.fd, size)
	if err == nil && size == 0 {
		fs.losses.remove(n.id)
	}
	return err
}

func owner(id uint32, set bool) int {
	if !set {
		return -1
	}
	return int(id)
}

func (d *handle) chown(uid, gid int) error {
	return unix.Fchownat(d.dirfd(), "", uid, gid, unix.AT_EMPTY_PATH)
}

// chmod goes by /proc where the descriptor is only a path: fchmod(2) refuses those. It is never one of a symlink, for which
// the kernel refuses to change the mode.
func (d *handle) chmod(mode uint32) error {
	err := unix.Fchmod(d.dirfd(), mode)
	if errors.Is(err, unix.EBADF) {
		return unix.Chmod(procPath(d.dirfd()), mode)
	}
	return err
}

// clearSetID does what a write by somebody without CAP_FSETID does to a file (kernel: setattr_should_drop_suidgid).
func (d *handle) clearSetID() error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return err
	}
	mode := st.Mode &^ unix.S_ISUID
	if mode&unix.S_IXGRP != 0 {
		mode &^= unix.S_ISGID
	}
	if mode == st.Mode {
		return nil
	}
	return unix.Fchmod(d.fd, mode&permissions)
}

// permissions are the mode bits that chmod(2) sets.
const permissions = 0o7777

func (d *handle) utimes(in *fuse.SetAttrIn) error {
	omit := unix.Timespec{Nsec: unix.UTIME_OMIT}
	times := []unix.Timespec{omit, omit}
	set := func(t *unix.Timespec, given, now uint32, sec uint64, nsec uint32) {
		switch {
		case in.Valid&given == 0:
		case in.Valid&now != 0:
			*t = unix.Timespec{Nsec: unix.UTIME_NOW}
		default:
			*t = unix.Timespec{Sec: int64(sec), Nsec: int64(nsec)}
		}
	}
	set(&times[0], fuse.FATTR_ATIME, fuse.FATTR_ATIME_NOW, in.Atime, in.Atimensec)
	set(&times[1], fuse.FATTR_MTIME, fuse.FATTR_MTIME_NOW, in.Mtime, in.Mtimensec)
	if times[0] == omit && times[1] == omit {
		return nil
	}
	return d.setTimes(times)
}

func (d *handle) setTimes(times []unix.Timespec) error {
	return unix.UtimesNanoAt(d.dirfd(), "", times, unix.AT_EMPTY_PATH)
}

// Readlink implements READLINK.
func (fs *FS) Readlink(cancel <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	fs.requests.Count(ops.Readlink)
	fs.names.RLock()
	defer fs.names.RUnlock()
	if fs.nodes.untouched(header.NodeId) {
		return fs.lower.Readlink(cancel, header)
	}
	n := fs.nodes.get(header.NodeId)
	if n == nil {
		return nil, fuse.Status(unix.ESTALE)
	}
	if !n.staged.Load() {
		return fs.readInputLink(header, n)
	}
	d, err := fs.open(n)
	if err != nil {
		return nil, fs.status("readlink", err)
	}
	defer fs.handles.release(d)
	target, err := readlink(d.fd)
	return target, fs.status("readlink", err)
}

func (fs *FS) readInputLink(header *fuse.InHeader, n *node) ([]byte, fuse.Status) {
	h := *header
	h.NodeId = n.lower
	return fs.lower.Readlink(nil, &h)
}

func readlink(fd int) ([]byte, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

func pathParts(path string) iter.Seq[string] { return strings.SplitSeq(strings.Trim(path, "/"), "/") }
