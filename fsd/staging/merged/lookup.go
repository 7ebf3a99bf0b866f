package merged

import (
	"errors"
	"math"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
	"github.com/casview/casview/fsd/staging/upper"
	"github.com/casview/casview/fsd/view"
)

const (
	// forever is how long the kernel may keep names and attributes, in seconds: nobody but itself changes them.
	forever = math.MaxUint32
	// maxName is NAME_MAX. The kernel passes on longer names.
	maxName = 255
)

// eitherKind lets Xattrs.IsWhiteout look for both kinds of whiteout, wherever it is. The job can't make what looks like one.
var eitherKind = upper.Marks{XattrWhiteouts: true}

// Lookup implements LOOKUP: name in the directory header.NodeId.
func (fs *FS) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	fs.requests.Count(ops.Lookup)
	if len(name) > maxName {
		return fuse.Status(unix.ENAMETOOLONG)
	}
	dir := fs.nodes.get(header.NodeId)
	if dir == nil {
		return fuse.Status(unix.ESTALE)
	}
	fs.names.RLock()
	o, found, err := fs.staged(dir, name)
	if found && err == nil && o.id != 0 {
		fs.answer(out, fs.nodes.know(o, link{dir.id, name}), &o)
	}
	fs.names.RUnlock()
	switch {
	case err != nil:
		return fs.status("lookup", err)
	case found && o.id != 0:
		return fuse.OK
	case found || dir.lower == 0: // a whiteout, or nothing below
		return absent(out)
	}
	// Without the lock, since a directory may have to be loaded. Nothing happens to the name in between: the kernel holds
	// its own lock on the directory during a lookup.
	return fs.lookupInput(dir, header, name, out)
}

// absent answers with node id 0 instead of ENOENT: the kernel remembers that the name does not exist.
func absent(out *fuse.EntryOut) fuse.Status {
	*out = fuse.EntryOut{EntryValid: forever}
	return fuse.OK
}

// lookupInput looks into the input directory that dir is merged with, as the job's own look, which is recorded.
func (fs *FS) lookupInput(dir *node, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	h := *header
	h.NodeId = dir.lower
	status := fs.lower.Lookup(nil, &h, name, out)
	if status.Ok() && out.NodeId != 0 {
		o := object{id: out.NodeId, kind: out.Mode & unix.S_IFMT, lower: out.NodeId}
		fs.nodes.meet(o, link{dir.id, name})
	}
	return status
}

// answer tells the kernel of a staged object, which the table knows as n.
func (fs *FS) answer(out *fuse.EntryOut, n *node, o *object) {
	out.NodeId = n.id
	out.EntryValid, out.AttrValid = forever, fs.valid(n)
	fill(&out.Attr, n, &o.attr)
}

// staged looks for a name in the staging tree. A whiteout is found and has no number. FS.names is held.
func (fs *FS) staged(dir *node, name string) (o object, found bool, err error) {
	if !dir.staged.Load() {
		return object{}, false, nil
	}
	d, err := fs.open(dir)
	if err != nil {
		return object{}, false, err
	}
	defer fs.handles.release(d)
	return fs.stagedIn(dir, d, name)
}

func (fs *FS) stagedIn(dir *node, d *handle, name string) (o object, found bool, err error) {
	err = unix.Fstatat(d.dirfd(), name, &o.attr, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return object{}, false, nil
	}
	if err != nil {
		return object{}, false, err
	}
	if is, err := fs.marks.Xattrs().IsWhiteout(d.file, eitherKind, name, &o.attr); is || err != nil {
		return object{}, true, err
	}
	o.staged, o.kind = true, o.attr.Mode&unix.S_IFMT
	if o.kind == unix.S_IFDIR {
		if o.lower, err = fs.mergedWith(dir, d, name); err != nil {
			return object{}, false, err
		}
	}
	// A merged directory has the number of the input directory, wherever it was moved.
	if o.id = o.lower; o.id == 0 {
		o.id = fs.number(&o.attr)
	}
	return o, true, nil
}

// mergedWith returns the input directory that the staged directory called name in dir is merged with, 0 for none.
func (fs *FS) mergedWith(dir *node, d *handle, name string) (uint64, error) {
	child, err := openIn(d.dirfd(), name, unix.S_IFDIR)
	if err != nil {
		return 0, err
	}
	defer child.close()
	m, err := fs.marks.Xattrs().Read(child.file)
	switch {
	case err != nil:
		return 0, err
	case m.Opaque:
		return 0, nil
	case m.Redirect == "":
		return fs.inputDir(dir.lower, name)
	case m.Redirect[0] != '/':
		return fs.inputDir(dir.lower, m.Redirect)
	}
	at := view.RootID
	for part := range pathParts(m.Redirect) {
		if at, err = fs.inputDir(at, part); err != nil || at == 0 {
			return 0, err
		}
	}
	return at, nil
}

// inputDir returns the directory called name in the input directory dir, 0 if there is none. Nothing is recorded.
func (fs *FS) inputDir(dir uint64, name string) (uint64, error) {
	in, found, err := fs.input(dir, name)
	if err != nil || !found || in.Kind != tree.Dir {
		return 0, err
	}
	return in.ID, nil
}

// input returns what is called name in the input directory dir, which may be 0. Nothing is recorded.
func (fs *FS) input(dir uint64, name string) (view.Input, bool, error) {
	if dir == 0 {
		return view.Input{}, false, nil
	}
	in, found, status := fs.lower.Input(dir, name)
	if !status.Ok() {
		return view.Input{}, false, unix.Errno(status)
	}
	return in, found, nil
}

// find returns what stands at a name without recording that anybody looked. FS.names is held.
func (fs *FS) find(dir *node, name string) (o object, found bool, err error) {
	o, found, err = fs.staged(dir, name)
	if err != nil || found {
		return o, found && o.id != 0, err
	}
	in, found, err := fs.input(dir.lower, name)
	if err != nil || !found {
		return object{}, false, err
	}
	return object{id: in.ID, kind: kindOf(in.Kind), lower: in.ID}, true, nil
}

func kindOf(k tree.Kind) uint32 {
	switch k {
	case tree.Dir:
		return unix.S_IFDIR
	case tree.Symlink:
		return unix.S_IFLNK
	default:
		return unix.S_IFREG
	}
}
