package merged

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/view"
)

// node is an inode that the kernel knows.
type node struct {
	id   uint64 // FUSE's node id and the inode number that the job sees
	kind uint32 // one of unix.S_IF*; it never changes

	// lower is the input below: for a directory the one it is merged with, for anything else what it is as long as it is not
	// staged. Zero is none. Set before the node is published.
	lower uint64
	// staged says that it is in the staging tree. It is set under FS.names and never taken back.
	staged atomic.Bool

	// copying makes requests that want to change an input wait for the one that copies it up, and for each other: see
	// changeBits.
	copying sync.Mutex

	// Guarded by table.mu:
	lookups uint64 // how often the kernel was told of it, less what it has forgotten
	links   []link // the names it is known to have; changed under FS.names only

	handle *handle // guarded by handles.mu

	opens opens

	// list is what the listings of a staged directory go by, nil before the first; guarded by listMu.
	list   *listing
	listMu sync.Mutex
}

// link is a name in a directory. The directory is told by number, which stays the same if its node is dropped and made
// again.
type link struct {
	dir  uint64
	name string
}

// Where numbers of staged inodes begin: those of inputs are below.
const (
	firstStaged = view.LastID + 1
	// otherDevice is set in numbers of inodes that are not on the device of the staging tree's top. An overlayfs below may
	// show files with the numbers, and the device, of another filesystem than its directories.
	otherDevice = 1 << 62
)

// table holds the nodes that the kernel knows, and those it may still ask for.
//
// Inputs that are no directories have a node only once something happens to them: a job may list a million of them, and a
// node is some hundred bytes. Before that the view knows all there is to know but how often the kernel was told of them.
type table struct {
	lower     *view.View
	mu        sync.RWMutex
	byID      map[uint64]*node
	unchanged lookups
	// origins are the numbers of files that were inputs before they were copied up, by inode number in the staging tree: an
	// inode keeps the number it had.
	origins map[inode]uint64
}

// inode is an inode of the staging tree's filesystem.
type inode struct{ dev, ino uint64 }

func inodeOf(st *unix.Stat_t) inode { return inode{st.Dev, st.Ino} }

func (t *table) init(lower *view.View, root *node) {
	t.lower = lower
	t.byID = map[uint64]*node{root.id: root}
	t.unchanged = lookups{}
	t.origins = map[inode]uint64{}
}

// untouched says that there is no node of an input that the kernel knows: it is what and where the view says.
func (t *table) untouched(id uint64) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.unchanged.of(id) > 0
}

// get returns the node with a number, nil if the kernel does not know it.
func (t *table) get(id uint64) *node {
	t.mu.RLock()
	n, told := t.byID[id], t.unchanged.of(id)
	t.mu.RUnlock()
	if n != nil || told == 0 {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[id] == nil {
		t.touch(id)
	}
	return t.byID[id]
}

// touch makes the node of an untouched input. t.mu is held exclusively.
func (t *table) touch(id uint64) {
	dir, in, ok := t.lower.Place(id)
	if !ok {
		return
	}
	told := t.unchanged.take(id)
	if told == 0 {
		return // forgotten since
	}
	t.byID[id] = &node{id: id, kind: kindOf(in.Kind), lower: id, lookups: told, links: []link{{dir, in.Name}}}
}

// meet notes that the kernel is about to be told of an input, found by the given link.
func (t *table) meet(o object, l link) {
	if o.kind == unix.S_IFDIR {
		t.know(o, l)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.byID[o.id]; n != nil {
		n.lookups++
		n.link(l)
		return
	}
	t.unchanged.add(o.id)
}

// know returns the node of an object, with the link that it was found by. The kernel is about to be told of it.
func (t *table) know(o object, l link) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byID[o.id]
	if n == nil {
		n = &node{id: o.id, kind: o.kind, lower: o.lower}
		n.staged.Store(o.staged)
		t.byID[n.id] = n
	}
	n.lookups++
	if l != (link{}) {
		n.link(l)
	}
	return n
}

// object is what stands at a name.
type object struct {
	id     uint64
	kind   uint32 // one of unix.S_IF*
	lower  uint64 // as in node
	staged bool
	attr   unix.Stat_t // of a staged one
}

func (n *node) link(l link) {
	if !slices.Contains(n.links, l) {
		n.links = append(n.links, l)
	}
}

// move gives n another name in the place of an old one. An empty link is none.
func (t *table) move(n *node, from, to link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.links = slices.DeleteFunc(n.links, func(l link) bool { return l == from })
	if to != (link{}) {
		n.link(to)
	}
}

// linksOf returns the names of n.
func (t *table) linksOf(n *node) []link {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(n.links)
}

// parent returns the directory that n, itself a directory, is in.
func (t *table) parent(n *node) (dir *node, name string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, l := range n.links {
		if p := t.byID[l.dir]; p != nil {
			return p, l.name
		}
	}
	return nil, ""
}

// forget takes back count lookups and returns the node if that was the last one: it is out of the table then.
func (t *table) forget(id, count uint64) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byID[id]
	if n == nil {
		t.unchanged.forget(id, count)
		return nil
	}
	if id == view.RootID {
		return nil
	}
	n.lookups -= min(count, n.lookups)
	if n.lookups > 0 {
		return nil
	}
	delete(t.byID, id)
	return n
}

// all returns the nodes that the kernel knows.
func (t *table) all() []*node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Collect(maps.Values(t.byID))
}

// number returns the number of a staged inode that is no merged directory.
func (fs *FS) number(st *unix.Stat_t) uint64 {
	fs.nodes.mu.RLock()
	origin, ok := fs.nodes.origins[inodeOf(st)]
	fs.nodes.mu.RUnlock()
	switch {
	case ok:
		return origin
	case st.Dev != fs.device:
		return otherDevice | st.Ino
	default:
		return firstStaged + st.Ino
	}
}

// setOrigin notes that the staged inode was the input of the given number, zero for not any longer.
func (t *table) setOrigin(i inode, id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id == 0 {
		delete(t.origins, i)
	} else {
		t.origins[i] = id
	}
}

// Forget implements FORGET.
func (fs *FS) Forget(id, count uint64) {
	if n := fs.nodes.forget(id, count); n != nil {
		fs.handles.drop(n)
	}
}
