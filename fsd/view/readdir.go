package view

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
)

// dots is how many names come before the entries: "." and "..". The offset of a name in a directory stream is its place
// in that order plus one, so entry i has dots+i+1 and a stream that continues at offset n starts with entry n-dots.
const dots = 2

// ReadDir implements READDIR. With readdirplus negotiated it does not come.
func (v *View) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, list *fuse.DirEntryList) fuse.Status {
	v.requests.Count(ops.Readdir)
	d, status := v.list(in)
	if !status.Ok() {
		return status
	}
	for at := in.Offset; at < uint64(dots+len(d.entries)); at++ {
		if at >= dots && v.hides(d, int(at-dots)) {
			continue
		}
		if !list.AddDirEntry(d.dirent(at)) {
			break
		}
	}
	return fuse.OK
}

// ReadDirPlus implements READDIRPLUS: names with attributes, which saves the kernel a LOOKUP for each.
//
// Two kinds of entry go without (node id 0, which here means "ask when you need it"). An empty file, because its LOOKUP
// is what tells that the job looked at it. A directory that is not loaded, because its attributes are in its own message
// and listing a parent of thousands would load them all.
func (v *View) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, list *fuse.DirEntryList) fuse.Status {
	v.requests.Count(ops.Readdirplus)
	d, status := v.list(in)
	if !status.Ok() {
		return status
	}
	for at := in.Offset; at < uint64(dots+len(d.entries)); at++ {
		if at >= dots && v.hides(d, int(at-dots)) {
			continue
		}
		out := list.AddDirLookupEntry(d.dirent(at))
		if out == nil {
			break
		}
		if at >= dots {
			v.prefill(out, d, int(at-dots))
		}
	}
	return fuse.OK
}

func (v *View) prefill(out *fuse.EntryOut, d *dir, i int) {
	e := &d.entries[i]
	if e.kind == tree.Dir {
		k, loaded := e.child()
		if !loaded {
			return
		}
		v.fillDir(&out.Attr, v.nodes.at(k))
	} else {
		if e.kind == tree.File && e.size == 0 && e.state.Load()&wasRead == 0 {
			return
		}
		v.fill(&out.Attr, d, i)
	}
	out.NodeId = out.Attr.Ino
	out.EntryValid, out.AttrValid = forever, forever
}

// list returns the directory that is being read and records that it was.
func (v *View) list(in *fuse.ReadIn) (*dir, fuse.Status) {
	d, status := v.directory(in.NodeId)
	if status.Ok() {
		v.listed(d)
	}
	return d, status
}

// listed records that d was listed, once.
func (v *View) listed(d *dir) {
	if !d.wasListed.Load() && !d.wasListed.Swap(true) {
		v.recorder.Listed(d.path())
	}
}

// dirent returns the name at place at of the directory stream.
func (d *dir) dirent(at uint64) fuse.DirEntry {
	switch at {
	case 0:
		return fuse.DirEntry{Name: ".", Ino: uint64(d.node), Mode: unix.S_IFDIR, Off: 1}
	case 1:
		return fuse.DirEntry{Name: "..", Ino: uint64(d.parentNode()), Mode: unix.S_IFDIR, Off: 2}
	}
	i := int(at - dots)
	mode := uint32(unix.S_IFREG)
	switch d.entries[i].kind {
	case tree.Dir:
		mode = unix.S_IFDIR
	case tree.Symlink:
		mode = unix.S_IFLNK
	}
	return fuse.DirEntry{Name: d.name(i), Ino: uint64(d.base) + uint64(i), Mode: mode, Off: at + 1}
}
