package tree

import "hash/maphash"

// nodeID is a node's position in its builder, 0 for the root. A parent's is
// smaller than its children's.
type nodeID uint32

const nodeChunk = 4096

// node is one path of a tree being built.
type node struct {
	Entry
	parent   nodeID
	first    nodeID // the child added last; 0 if none
	next     nodeID // the sibling added before; 0 if none
	explicit bool   // a Dir that was added itself, not only as a parent
}

// nodes holds all paths of a tree being built and finds them by parent and
// name. Nodes lie in chunks and the hash table is of bare ids: a map of paths
// would take several times the memory and twice that while it grows.
type nodes struct {
	chunks [][]node
	count  int
	seed   maphash.Seed
	slots  []nodeID // open addressing; 0, the root, marks a free slot
}

func newNodes(root Entry) nodes {
	ns := nodes{seed: maphash.MakeSeed(), slots: make([]nodeID, 1024)}
	ns.push(node{Entry: root})
	return ns
}

func (ns *nodes) at(id nodeID) *node { return &ns.chunks[id/nodeChunk][id%nodeChunk] }

func (ns *nodes) push(n node) nodeID {
	if ns.count%nodeChunk == 0 {
		ns.chunks = append(ns.chunks, make([]node, 0, nodeChunk))
	}
	last := &ns.chunks[len(ns.chunks)-1]
	*last = append(*last, n)
	ns.count++
	return nodeID(ns.count - 1)
}

// find returns the node called name in parent, or 0.
func (ns *nodes) find(parent nodeID, name string) nodeID {
	return ns.slots[ns.slot(parent, name)]
}

// insert adds a node whose parent and name are not there yet.
func (ns *nodes) insert(parent nodeID, e Entry) nodeID {
	if ns.count >= len(ns.slots)/4*3 {
		ns.grow()
	}
	up := ns.at(parent)
	id := ns.push(node{Entry: e, parent: parent, next: up.first})
	up.first = id
	ns.slots[ns.slot(parent, e.Name)] = id
	return id
}

// slot is where the node called name in parent is, or belongs.
func (ns *nodes) slot(parent nodeID, name string) int {
	const spread = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	mask := len(ns.slots) - 1
	i := int((maphash.String(ns.seed, name)^uint64(parent))*spread>>20) & mask
	for ; ns.slots[i] != 0; i = (i + 1) & mask {
		if n := ns.at(ns.slots[i]); n.parent == parent && n.Name == name {
			break
		}
	}
	return i
}

func (ns *nodes) grow() {
	ns.slots = make([]nodeID, 2*len(ns.slots))
	for id := 1; id < ns.count; id++ {
		n := ns.at(nodeID(id))
		ns.slots[ns.slot(n.parent, n.Name)] = nodeID(id)
	}
}

// path of the node id, for error messages.
func (ns *nodes) path(id nodeID) string {
	if id == 0 {
		return ""
	}
	n := ns.at(id)
	return join(ns.path(n.parent), n.Name)
}
