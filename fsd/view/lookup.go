package view

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
)

// maxName is NAME_MAX. The kernel passes on longer names (its own bound for FUSE is 1024 bytes or more).
const maxName = 255

// Lookup implements LOOKUP: name in the directory header.NodeId.
func (v *View) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	v.requests.Count(ops.Lookup)
	if len(name) > maxName {
		return enametoolong
	}
	if name == "." || name == ".." { // by a handle: see "File handles" in the package comment
		return fuse.Status(unix.ESTALE)
	}
	d, status := v.directory(header.NodeId)
	if !status.Ok() {
		return status
	}
	i, found := d.find(name)
	if !found {
		v.recorder.Absent(d.join(name))
		// Node id 0 instead of ENOENT: the kernel remembers that the name does not exist.
		out.NodeId, out.EntryValid = 0, forever
		return fuse.OK
	}
	if v.hides(d, i) {
		out.NodeId, out.EntryValid = 0, forever
		return fuse.OK
	}
	if e := &d.entries[i]; e.kind == tree.File && e.size == 0 {
		// There is nothing to read, so no READ will come: looking at it is reading it.
		v.markRead(d, i)
	}
	return v.answer(out, d.base+nodeID(i))
}

// answer fills out with the node id.
func (v *View) answer(out *fuse.EntryOut, id nodeID) fuse.Status {
	out.NodeId = uint64(id)
	out.EntryValid, out.AttrValid = forever, forever
	return v.attr(&out.Attr, uint64(id))
}

// GetAttr implements GETATTR. It comes for the root, which has no LOOKUP, and hardly otherwise.
func (v *View) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	v.requests.Count(ops.Getattr)
	out.AttrValid = forever
	return v.attr(&out.Attr, in.NodeId)
}

// attr fills out with the attributes of the node id, loading it if it is a directory.
func (v *View) attr(out *fuse.Attr, id uint64) fuse.Status {
	d, i, ok := v.nodes.find(id)
	if ok && d.entries[i].kind != tree.Dir {
		v.fill(out, d, i)
		return fuse.OK
	}
	child, status := v.directory(id)
	if status.Ok() {
		v.fillDir(out, child)
	}
	return status
}

// Readlink implements READLINK.
func (v *View) Readlink(_ <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	v.requests.Count(ops.Readlink)
	d, i, ok := v.nodes.find(header.NodeId)
	if !ok {
		return nil, fuse.ENOENT
	}
	if d.entries[i].kind != tree.Symlink {
		return nil, fuse.EINVAL
	}
	v.markRead(d, i)
	return []byte(d.target(i)), fuse.OK
}

// Forget does nothing: node ids stay what they are for the view's life, so there is nothing to count.
func (v *View) Forget(nodeid, nlookup uint64) {}

// directory returns the loaded directory with the given node id.
func (v *View) directory(id uint64) (*dir, fuse.Status) {
	if id == uint64(rootID) {
		return v.root, fuse.OK
	}
	parent, i, ok := v.nodes.find(id)
	if !ok {
		return nil, fuse.ENOENT
	}
	if parent.entries[i].kind != tree.Dir {
		return nil, fuse.ENOTDIR
	}
	d, err := v.child(parent, i)
	if err != nil {
		return nil, fuse.EIO
	}
	return d, fuse.OK
}
