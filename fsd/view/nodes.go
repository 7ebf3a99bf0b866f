package view

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"sync"
	"sync/atomic"
)

// nodeID is the kernel's name for an inode of the view, and its st_ino. See the package comment.
type nodeID uint32

const (
	rootID  nodeID = 1 // FUSE_ROOT_ID
	firstID nodeID = 2 // of the root's first entry
	lastID  nodeID = math.MaxUint32
)

var errTooManyNodes = errors.New("more than 4294967294 paths in one view: out of inode numbers")

// nodes finds a path by its node id. It holds only directories: the entries of each have a contiguous range of ids.
// Finding takes no lock.
type nodes struct {
	adding sync.Mutex
	most   uint64                 // entries in all directories together; 0: as many as there are ids
	slots  atomic.Pointer[[]slot] // append-only, sorted by base; an empty directory shares its base with the next one
}

type slot struct {
	base nodeID
	dir  *dir
}

// add gives d's entries their ids, makes them findable and returns d's index.
func (n *nodes) add(d *dir) (int, error) {
	n.adding.Lock()
	defer n.adding.Unlock()
	var slots []slot
	next := uint64(firstID)
	if published := n.slots.Load(); published != nil {
		slots = *published
		last := slots[len(slots)-1]
		next = uint64(last.base) + uint64(len(last.dir.entries))
	}
	// next itself must be an id too, or the next directory's base would not be one.
	if next+uint64(len(d.entries)) > uint64(lastID) {
		return 0, errTooManyNodes
	}
	if known := next - uint64(firstID) + uint64(len(d.entries)); n.most > 0 && known > n.most {
		return 0, fmt.Errorf("more than %d paths in one view (policy.max_inputs)", n.most)
	}
	d.base = nodeID(next)
	// Readers of the old slice don't see beyond its length, so appending in place is safe.
	slots = append(slots, slot{d.base, d})
	n.slots.Store(&slots)
	return len(slots) - 1, nil
}

// at returns the directory with the given index.
func (n *nodes) at(i int) *dir { return (*n.slots.Load())[i].dir }

// find returns the entry with the given id, as its directory and index. The root is nobody's entry.
func (n *nodes) find(id uint64) (d *dir, i int, ok bool) {
	if id < uint64(firstID) || id > uint64(lastID) {
		return nil, 0, false
	}
	slots := *n.slots.Load()
	after := sort.Search(len(slots), func(k int) bool { return slots[k].base > nodeID(id) })
	if after == 0 {
		return nil, 0, false
	}
	d = slots[after-1].dir
	i = int(nodeID(id) - d.base)
	return d, i, i < len(d.entries)
}
