package view

import (
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/cas/tree"
)

// This file is the view as the lower layer of a filesystem in the same process, which names inputs by the node ids of the
// view and otherwise calls the same methods as the kernel does. What is recorded for a request stands with the request;
// nothing is recorded here unless it says so.

// RootID is the node id of the root directory.
const RootID = uint64(rootID)

// LastID is the highest node id that a view gives out. The numbers above are free.
const LastID = uint64(lastID)

// Input is one name of an input directory.
type Input struct {
	ID   uint64
	Name string
	Kind tree.Kind
}

// Input returns the entry called name of the directory id.
func (v *View) Input(id uint64, name string) (in Input, found bool, status fuse.Status) {
	d, status := v.directory(id)
	if !status.Ok() {
		return Input{}, false, status
	}
	i, found := d.find(name)
	if !found {
		return Input{}, false, fuse.OK
	}
	return d.input(i), true, fuse.OK
}

func (d *dir) input(i int) Input {
	return Input{ID: uint64(d.base) + uint64(i), Name: d.name(i), Kind: d.entries[i].kind}
}

// Inputs is a loaded directory as a list. The zero value is an empty one.
type Inputs struct{ d *dir }

// Inputs returns what the directory id holds.
func (v *View) Inputs(id uint64) (Inputs, fuse.Status) {
	d, status := v.directory(id)
	return Inputs{d}, status
}

// Len is the number of entries.
func (l Inputs) Len() int {
	if l.d == nil {
		return 0
	}
	return len(l.d.entries)
}

// Has says whether there is an entry called name.
func (l Inputs) Has(name string) bool {
	if l.d == nil {
		return false
	}
	_, found := l.d.find(name)
	return found
}

// At returns entry i, in the order of names, which never changes.
func (l Inputs) At(i int) Input { return l.d.input(i) }

// Listed records that the directory id was listed.
func (v *View) Listed(id uint64) {
	if d, status := v.directory(id); status.Ok() {
		v.listed(d)
	}
}

// Place returns the directory of the input id, and its entry there.
func (v *View) Place(id uint64) (dir uint64, in Input, ok bool) {
	d, i, ok := v.nodes.find(id)
	if !ok {
		return 0, Input{}, false
	}
	return uint64(d.node), d.input(i), true
}

// Path is where the directory id is in the inputs, "" for the root.
func (v *View) Path(id uint64) (string, fuse.Status) {
	d, status := v.directory(id)
	if !status.Ok() {
		return "", status
	}
	return d.path(), fuse.OK
}

// Attr fills out with the attributes of an input.
func (v *View) Attr(id uint64, out *fuse.Attr) fuse.Status { return v.attr(out, id) }

// Prefill fills out for a listing as ReadDirPlus does: where nothing may be told yet it stays empty.
func (v *View) Prefill(id uint64, out *fuse.EntryOut) {
	if d, i, ok := v.nodes.find(id); ok {
		v.prefill(out, d, i)
	}
}

// Content opens the content of the file id, whole and verified as a READ would find it, and records that it is read. The
// caller closes it.
func (v *View) Content(id uint64) (*os.File, fuse.Status) {
	d, i, ok := v.nodes.find(id)
	if !ok {
		return nil, fuse.ENOENT
	}
	e := &d.entries[i]
	if e.kind != tree.File {
		return nil, fuse.EINVAL
	}
	firstRead := e.state.Load()&wasRead == 0
	f, err := openBlobFile(v.store, e.digest, e.size, v.options.VerifyFirstRead && firstRead)
	if err != nil {
		v.fault(d, i, err)
		return nil, fuse.EIO
	}
	if _, err := f.Seek(0, 0); err != nil {
		f.Close()
		v.fault(d, i, err)
		return nil, fuse.EIO
	}
	v.markRead(d, i)
	return f, fuse.OK
}

// Failed records that the content of the file id could not be read to its end.
func (v *View) Failed(id uint64, err error) {
	if d, i, ok := v.nodes.find(id); ok {
		v.fault(d, i, err)
	}
}
