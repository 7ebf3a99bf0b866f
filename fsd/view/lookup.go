package view

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/cas/tree"
)

// maxName is NAME_MAX. The kernel passes on longer names (its own bound for FUSE is 1024 bytes or more).
const maxName = 255

// Lookup implements LOOKUP: name in the directory header.NodeId.
func (v *View) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	v.requests.count(opLookup)
	if len(name) > maxName {
		return enametoolong
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
	var child *dir
	switch e := &d.entries[i]; {
	case e.kind == tree.Dir:
		var err error
		if child, err = v.child(d, i); err != nil {
			return fuse.EIO
		}
	case e.kind == tree.File && e.size == 0:
		// There is nothing to read, so no READ will come: looking at it is reading it.
		v.markRead(d, i)
	}
	v.fillEntry(out, d, i, child)
	return fuse.OK
}

// GetAttr implements GETATTR. It comes for the root, which has no LOOKUP, and hardly otherwise.
func (v *View) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	v.requests.count(opGetattr)
	out.AttrValid = forever
	if in.NodeId == uint64(rootID) {
		v.fillDir(&out.Attr, v.root)
		return fuse.OK
	}
	d, i, ok := v.nodes.find(in.NodeId)
	if !ok {
		return fuse.ENOENT
	}
	var child *dir
	if d.entries[i].kind == tree.Dir {
		var err error
		if child, err = v.child(d, i); err != nil {
			return fuse.EIO
		}
	}
	v.fill(&out.Attr, d, i, child)
	return fuse.OK
}

// Readlink implements READLINK.
func (v *View) Readlink(_ <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	v.requests.count(opReadlink)
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
