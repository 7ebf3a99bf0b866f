package view

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
)

// A million listed inputs are a million of these, so the size is fixed on purpose: one cache line and no pointer, which
// also spares the garbage collector from looking inside.
var _ [64]byte = [unsafe.Sizeof(entry{})]byte{}

// entry is one name of a loaded directory. Everything but state is written before the directory is published.
type entry struct {
	digest    cas.Digest
	kind      tree.Kind
	mode      uint16
	mtimeNsec int32
	size      int64 // of the content; for a symlink, of the target
	mtimeSec  int64
	// textEnd is where this entry's text (name, then a symlink's target) ends in dir.text; it begins where that of the
	// entry before ends.
	textEnd uint32
	// state starts as zero and only gains bits. For files and symlinks: wasRead. For directories: 1 + the child's index
	// in the node table once it is loaded. For all: faulted.
	state atomic.Uint32
}

const (
	wasRead uint32 = 1 << 0
	faulted uint32 = 1 << 31
)

// setOnce sets bit and reports whether this call was the one that did.
func (e *entry) setOnce(bit uint32) bool {
	return e.state.Load()&bit == 0 && e.state.Or(bit)&bit == 0
}

// child returns the node table's index of the directory that e names, if it is loaded.
func (e *entry) child() (int, bool) {
	i := int(e.state.Load() &^ faulted)
	return i - 1, i > 0
}

// dir is a loaded directory. It is never changed after it was added to the node table, except for entry.state and wasListed.
type dir struct {
	node      nodeID // its own
	base      nodeID // of its first entry; the others follow
	parent    *dir   // nil for the root
	position  int    // of its own entry in parent
	mode      uint32
	mtimeSec  int64
	mtimeNsec int32
	subdirs   uint32
	large     *largeDir // nil where no large file is below
	entries   []entry   // sorted by name, as bytes
	text      string
	wasListed atomic.Bool
}

// newDir packs a decoded message. It sorts t.Entries: messages are sorted by encoded name, which differs from byte order
// where names are not UTF-8.
func newDir(t *tree.Directory, parent *dir, position int) (*dir, error) {
	byName := func(a, b tree.Entry) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(t.Entries, byName) {
		slices.SortFunc(t.Entries, byName)
	}
	length := 0
	for i := range t.Entries {
		length += len(t.Entries[i].Name) + len(t.Entries[i].Target)
	}
	if length > math.MaxUint32 {
		return nil, fmt.Errorf("%d bytes of names in one directory: the most is %d", length, uint32(math.MaxUint32))
	}
	d := &dir{
		parent: parent, position: position,
		mode: t.Mode, mtimeSec: t.MtimeSec, mtimeNsec: t.MtimeNsec,
		entries: make([]entry, len(t.Entries)),
	}
	var text strings.Builder
	text.Grow(length)
	for i := range t.Entries {
		d.pack(&d.entries[i], &t.Entries[i], &text)
	}
	d.text = text.String()
	return d, nil
}

func (d *dir) pack(e *entry, from *tree.Entry, text *strings.Builder) {
	text.WriteString(from.Name)
	e.digest, e.kind, e.mode, e.size = from.Digest, from.Kind, uint16(from.Mode), from.Size
	e.mtimeSec, e.mtimeNsec = from.MtimeSec, from.MtimeNsec
	switch from.Kind {
	case tree.Symlink:
		text.WriteString(from.Target)
		e.size = int64(len(from.Target))
	case tree.Dir:
		d.subdirs++
	}
	e.textEnd = uint32(text.Len())
}

// unpack returns d as it was decoded, in the order of the view.
func (d *dir) unpack() *tree.Directory {
	t := &tree.Directory{
		Mode: d.mode, MtimeSec: d.mtimeSec, MtimeNsec: d.mtimeNsec,
		Entries: make([]tree.Entry, len(d.entries)),
	}
	for i := range d.entries {
		e := &d.entries[i]
		t.Entries[i] = tree.Entry{
			Name: d.name(i), Kind: e.kind, Digest: e.digest, Size: e.size,
			Mode: uint32(e.mode), MtimeSec: e.mtimeSec, MtimeNsec: e.mtimeNsec,
		}
		if e.kind == tree.Symlink {
			t.Entries[i].Target, t.Entries[i].Size = d.target(i), 0
		}
	}
	return t
}

func (d *dir) textStart(i int) uint32 {
	if i == 0 {
		return 0
	}
	return d.entries[i-1].textEnd
}

// name returns the name of entry i.
func (d *dir) name(i int) string {
	e := &d.entries[i]
	end := e.textEnd
	if e.kind == tree.Symlink {
		end -= uint32(e.size)
	}
	return d.text[d.textStart(i):end]
}

// target returns what the symlink i points to.
func (d *dir) target(i int) string {
	e := &d.entries[i]
	return d.text[e.textEnd-uint32(e.size) : e.textEnd]
}

// find returns the index of the entry called name.
func (d *dir) find(name string) (int, bool) {
	low, high := 0, len(d.entries)
	for low < high {
		middle := int(uint(low+high) >> 1)
		switch c := strings.Compare(d.name(middle), name); {
		case c == 0:
			return middle, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return 0, false
}

// parentNode returns the node id of "..". The root is its own parent.
func (d *dir) parentNode() nodeID {
	if d.parent == nil {
		return d.node
	}
	return d.parent.node
}

// path returns the path of d below the view's root, "" for the root itself. It is built when a trace needs it rather
// than kept.
func (d *dir) path() string {
	if d.parent == nil {
		return ""
	}
	return d.parent.join(d.parent.name(d.position))
}

// join returns the path of name in d.
func (d *dir) join(name string) string {
	if d.parent == nil {
		return name
	}
	return d.path() + "/" + name
}

// entryPath returns the path of entry i.
func (d *dir) entryPath(i int) string { return d.join(d.name(i)) }
