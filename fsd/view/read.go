package view

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
)

// Read implements READ. A blob that is missing, damaged or shorter than the tree says is EIO for the reader and a fault
// in the trace; other files are not affected.
func (v *View) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	v.requests.Count(ops.Read)
	d, i, ok := v.nodes.find(in.NodeId)
	if !ok {
		return nil, fuse.ENOENT
	}
	e := &d.entries[i]
	if e.kind != tree.File {
		return nil, fuse.EINVAL
	}
	if in.Offset >= uint64(e.size) {
		return fuse.ReadResultData(nil), fuse.OK
	}
	offset := int64(in.Offset)
	buf = buf[:min(int64(len(buf)), e.size-offset)]
	firstRead := e.state.Load()&wasRead == 0
	if err := v.blobs.readAt(e.digest, e.size, buf, offset, v.options.VerifyFirstRead && firstRead); err != nil {
		v.fault(d, i, err)
		return nil, fuse.EIO
	}
	v.markRead(d, i)
	return fuse.ReadResultData(buf), fuse.OK
}

// markRead records the first read of entry i.
func (v *View) markRead(d *dir, i int) {
	if d.entries[i].setOnce(wasRead) {
		v.recorder.Read(d.entryPath(i))
	}
}

// fault records, once for each path, that what entry i of d names could not be delivered.
func (v *View) fault(d *dir, i int, err error) {
	e := &d.entries[i]
	if !e.setOnce(faulted) {
		return
	}
	path := d.entryPath(i)
	v.recorder.Fault(path, e.digest, err)
	v.log.Error("input can't be read", "path", path, "digest", e.digest.String(), "error", err)
}
