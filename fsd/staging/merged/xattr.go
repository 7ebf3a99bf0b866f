package merged

import (
	"bytes"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
	"github.com/casview/casview/fsd/staging/upper"
)

// isUsers says whether a job may have an extended attribute: inputs have none and results record none, so user.* is what
// programs can use among themselves. The marks of the staging tree are nobody's business.
func isUsers(attr string) bool { return strings.HasPrefix(attr, "user.") && !upper.IsMark(attr) }

// GetXAttr implements GETXATTR. It comes with the first write to each file, for security.capability.
func (fs *FS) GetXAttr(_ <-chan struct{}, header *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	fs.requests.Count(ops.Getxattr)
	if !isUsers(attr) {
		return 0, fuse.ENODATA
	}
	d, status := fs.forXattr(header.NodeId)
	if d == nil {
		return 0, status
	}
	defer fs.handles.release(d)
	n, err := unix.Fgetxattr(d.dirfd(), attr, dest)
	return uint32(n), fs.status("getxattr", err)
}

// forXattr acquires the handle of a staged node; it is nil, with the answer, for anything else.
func (fs *FS) forXattr(id uint64) (*handle, fuse.Status) {
	if fs.nodes.untouched(id) {
		return nil, fuse.ENODATA
	}
	n := fs.nodes.get(id)
	switch {
	case n == nil:
		return nil, fuse.Status(unix.ESTALE)
	case !n.staged.Load() || n.kind != unix.S_IFREG && n.kind != unix.S_IFDIR:
		return nil, fuse.ENODATA
	}
	d, err := fs.openStaged(n, wholeFile)
	return d, fs.status("open", err)
}

// ListXAttr implements LISTXATTR.
func (fs *FS) ListXAttr(_ <-chan struct{}, header *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	fs.requests.Count(ops.Listxattr)
	d, status := fs.forXattr(header.NodeId)
	if status == fuse.ENODATA {
		return 0, fuse.OK
	}
	if d == nil {
		return 0, status
	}
	defer fs.handles.release(d)
	list, err := listXattrs(d.dirfd())
	if err != nil {
		return 0, fs.status("listxattr", err)
	}
	if len(dest) > 0 && len(dest) < len(list) {
		return uint32(len(list)), fuse.ERANGE
	}
	return uint32(copy(dest, list) + max(0, len(list)-len(dest))), fuse.OK
}

// maxList is XATTR_LIST_MAX: no list is longer.
const maxList = 64 << 10

// listXattrs returns the names that the job may see, each with a zero byte at its end.
func listXattrs(fd int) ([]byte, error) {
	buf := make([]byte, maxList)
	n, err := unix.Flistxattr(fd, buf)
	if err != nil {
		return nil, err
	}
	var list []byte
	for name := range bytes.SplitAfterSeq(buf[:n], []byte{0}) {
		if isUsers(string(bytes.TrimSuffix(name, []byte{0}))) {
			list = append(list, name...)
		}
	}
	return list, nil
}

// SetXAttr implements SETXATTR.
func (fs *FS) SetXAttr(_ <-chan struct{}, in *fuse.SetXAttrIn, attr string, data []byte) fuse.Status {
	fs.requests.Count(ops.Setxattr)
	if !isUsers(attr) {
		return fuse.Status(unix.EOPNOTSUPP)
	}
	return fs.changeXattr(in.NodeId, func(fd int) error { return unix.Fsetxattr(fd, attr, data, int(in.Flags)) })
}

// RemoveXAttr implements REMOVEXATTR.
func (fs *FS) RemoveXAttr(_ <-chan struct{}, header *fuse.InHeader, attr string) fuse.Status {
	fs.requests.Count(ops.Removexattr)
	if !isUsers(attr) {
		return fuse.ENODATA
	}
	return fs.changeXattr(header.NodeId, func(fd int) error { return unix.Fremovexattr(fd, attr) })
}

func (fs *FS) changeXattr(id uint64, change func(fd int) error) fuse.Status {
	n := fs.nodes.get(id)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	if n.kind != unix.S_IFREG && n.kind != unix.S_IFDIR {
		return fuse.EPERM
	}
	d, err := fs.openStaged(n, wholeFile)
	if err != nil {
		return fs.status("copy up", err)
	}
	defer fs.handles.release(d)
	return fs.status("change an extended attribute", change(d.dirfd()))
}
