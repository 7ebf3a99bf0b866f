package merged

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
	"github.com/casview/casview/fsd/view"
)

// ReadDir implements READDIR. With readdirplus negotiated it does not come.
func (fs *FS) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	fs.requests.Count(ops.Readdir)
	return fs.read(in, func(e fuse.DirEntry) (*fuse.EntryOut, bool) { return nil, out.AddDirEntry(e) })
}

// ReadDirPlus implements READDIRPLUS: names with attributes, which saves the kernel a LOOKUP for each. Inputs go without
// where the view says so.
func (fs *FS) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	fs.requests.Count(ops.Readdirplus)
	return fs.read(in, func(e fuse.DirEntry) (*fuse.EntryOut, bool) {
		entry := out.AddDirLookupEntry(e)
		return entry, entry != nil
	})
}

// reading is one READDIR or READDIRPLUS. Add puts an entry into the answer and returns where its attributes go, nil for
// nowhere; it is false when the answer is full.
type reading struct {
	fs   *FS
	dir  *node
	d    *handle // nil for a directory that is not staged
	list *listing
	add  func(fuse.DirEntry) (*fuse.EntryOut, bool)
}

func (fs *FS) read(in *fuse.ReadIn, add func(fuse.DirEntry) (*fuse.EntryOut, bool)) fuse.Status {
	r := reading{fs: fs, dir: fs.nodes.get(in.NodeId), add: add}
	if r.dir == nil {
		return fuse.Status(unix.ESTALE)
	}
	if r.dir.kind != unix.S_IFDIR {
		return fuse.ENOTDIR
	}
	if r.dir.lower != 0 {
		fs.lower.Listed(r.dir.lower) // which also loads it, before the lock is taken
	}
	fs.names.RLock()
	defer fs.names.RUnlock()
	var err error
	if r.list, err = fs.listOf(r.dir); err != nil {
		return fs.status("list", err)
	}
	if r.dir.staged.Load() {
		if r.d, err = fs.open(r.dir); err != nil {
			return fs.status("list", err)
		}
		defer fs.handles.release(r.d)
	}
	return fs.status("list", r.run(in.Offset))
}

// run adds what fits, from a place on. The offset of a name is its place plus one.
func (r *reading) run(at uint64) error {
	inputs := r.list.inputs
	others := uint64(dots + inputs.Len())
	for ; at < others; at++ {
		var more bool
		var err error
		switch {
		case at < dots:
			_, more = r.add(r.dot(at))
		default:
			more, err = r.input(inputs.At(int(at-dots)), at)
		}
		if err != nil || !more {
			return err
		}
	}
	for _, p := range r.list.from(at) {
		if !r.list.has(p) {
			continue
		}
		if more, err := r.staged(p.name, p.place); err != nil || !more {
			return err
		}
	}
	return nil
}

func (r *reading) dot(at uint64) fuse.DirEntry {
	if at == 0 {
		return fuse.DirEntry{Name: ".", Ino: r.dir.id, Mode: unix.S_IFDIR, Off: 1}
	}
	up := r.dir.id
	if parent, _ := r.fs.nodes.parent(r.dir); parent != nil {
		up = parent.id
	}
	return fuse.DirEntry{Name: "..", Ino: up, Mode: unix.S_IFDIR, Off: 2}
}

// input adds an input, or what is staged in its place.
func (r *reading) input(in view.Input, at uint64) (more bool, err error) {
	if s, ok := r.list.staged[in.Name]; ok {
		if s.whiteout {
			return true, nil
		}
		return r.staged(in.Name, at)
	}
	out, more := r.add(fuse.DirEntry{Name: in.Name, Ino: in.ID, Mode: kindOf(in.Kind), Off: at + 1})
	if more && out != nil {
		r.fs.lower.Prefill(in.ID, out)
		if out.NodeId != 0 {
			r.fs.nodes.meet(object{id: in.ID, kind: kindOf(in.Kind), lower: in.ID}, link{r.dir.id, in.Name})
		}
	}
	return more, nil
}

func (r *reading) staged(name string, at uint64) (more bool, err error) {
	o, found, err := r.fs.stagedIn(r.dir, r.d, name)
	if err != nil || !found || o.id == 0 {
		return true, err
	}
	out, more := r.add(fuse.DirEntry{Name: name, Ino: o.id, Mode: o.kind, Off: at + 1})
	if more && out != nil {
		r.fs.answer(out, r.fs.nodes.know(o, link{r.dir.id, name}), &o)
	}
	return more, nil
}
