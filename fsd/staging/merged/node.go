package merged

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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

	// copying makes requests that want to change an input wait for the one that copies it up.
	copying sync.Mutex

	// times keeps apart those who set the times of a file, and those who set them back.
	times sync.Mutex
	// ctime is the newest that the kernel has told, guarded by times.
	ctime time.Time

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
type table struct {
	mu   sync.RWMutex
	byID map[uint64]*node
	// origins are the numbers of files that were inputs before they were copied up, by inode number in the staging tree: an
	// inode keeps the number it had.
	origins map[inode]uint64
}

// inode is an inode of the staging tree's filesystem.
type inode struct{ dev, ino uint64 }

func inodeOf(st *unix.Stat_t) inode { return inode{st.Dev, st.Ino} }

func (t *table) init(root *node) {
	t.byID = map[uint64]*node{root.id: root}
	t.origins = map[inode]uint64{}
}

// get returns the node with a number, nil if the kernel does not know it.
func (t *table) get(id uint64) *node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[id]
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
	if n == nil || id == view.RootID {
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
