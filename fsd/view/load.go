package view

import (
	"sync"

	"github.com/casview/casview/cas/tree"
)

// loads makes sure that a directory which several requests want at once is loaded once. Loads of different directories
// don't wait for each other.
type loads struct {
	mu      sync.Mutex
	running map[nodeID]*loading
}

type loading struct {
	done chan struct{} // closed when dir and err are set
	dir  *dir
	err  error
}

// child returns the directory that entry i of parent names, loading it if this is its first use.
func (v *View) child(parent *dir, i int) (*dir, error) {
	if k, ok := parent.entries[i].child(); ok {
		return v.nodes.at(k), nil
	}
	id := parent.base + nodeID(i)
	v.loads.mu.Lock()
	if l := v.loads.running[id]; l != nil {
		v.loads.mu.Unlock()
		<-l.done
		return l.dir, l.err
	}
	// A load that ended between the first look and the lock has set the child before it left running.
	if k, ok := parent.entries[i].child(); ok {
		v.loads.mu.Unlock()
		return v.nodes.at(k), nil
	}
	l := &loading{done: make(chan struct{})}
	v.loads.running[id] = l
	v.loads.mu.Unlock()

	defer func() {
		v.loads.mu.Lock()
		delete(v.loads.running, id)
		v.loads.mu.Unlock()
		close(l.done)
	}()
	l.dir, l.err = v.loadChild(parent, i)
	return l.dir, l.err
}

func (v *View) loadChild(parent *dir, i int) (*dir, error) {
	e := &parent.entries[i]
	t, err := tree.Load(v.store, e.digest)
	if err != nil {
		v.fault(parent, i, err)
		return nil, err
	}
	d, err := newDir(t, parent, i)
	if err != nil {
		v.fault(parent, i, err)
		return nil, err
	}
	d.node, d.large = parent.base+nodeID(i), parent.large.child(parent.name(i))
	k, err := v.nodes.add(d)
	if err != nil {
		v.fault(parent, i, err)
		return nil, err
	}
	e.state.Or(uint32(k + 1))
	return d, nil
}
