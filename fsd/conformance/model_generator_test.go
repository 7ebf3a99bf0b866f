package conformance

import (
	"math/rand/v2"
	"slices"
)

// generator makes the steps of one sequence. Its choices come from the seed, and from what is in the plain directory at
// that moment: chosen blindly, most paths would be gone.
type generator struct {
	*rand.Rand
	table []*operation
	total int // of the weights
	world *world
	there listing
	stale bool // since the last step may have changed what is there
	// recent are the last paths that were used: what one step has done to a path, the next ones shall meet.
	recent []string
	home   string   // the directory where most happens
	attrs  []string // paths that were given extended attributes
}

func operations() []*operation {
	var all []*operation
	for _, group := range [][]*operation{fileOperations(), nameOperations(), attrOperations(), mapOperations(), dirOperations()} {
		all = append(all, group...)
	}
	return all
}

func newGenerator(seed uint64, plain *world) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), table: operations(), world: plain, stale: true}
	g.home = pick(g, "", "d1", "d1/d2", "none", "setgid", "many", "many")
	for _, op := range g.table {
		g.total += op.weight
	}
	return g
}

func (g *generator) next() (*step, error) {
	if g.stale {
		var err error
		if g.there, err = g.world.list(); err != nil {
			return nil, err
		}
	}
	s := &step{op: g.operation()}
	for s.op.needs != "" && !g.isOpen(s.op.needs) && !g.oneIn(20) {
		s.op = g.named(string(s.op.needs))
	}
	s.op.make(g, s)
	g.stale = s.op.names
	for _, path := range []string{s.path, s.path2} {
		// What is outside stays there: a symlink in another directory could lead to another sequence's.
		if path != "" && path[0] != '.' {
			g.recent = append(g.recent[max(0, len(g.recent)-5):], path)
		}
	}
	return s, nil
}

func (g *generator) operation() *operation {
	at := g.IntN(g.total)
	for _, op := range g.table {
		if at -= op.weight; at < 0 {
			return op
		}
	}
	return nil
}

func (g *generator) named(name string) *operation {
	return g.table[slices.IndexFunc(g.table, func(op *operation) bool { return op.name == name })]
}

func (g *generator) isOpen(n need) bool {
	switch n {
	case aFile:
		return slices.ContainsFunc(g.world.files[:], func(f *openFile) bool { return f != nil })
	case aMap:
		return slices.ContainsFunc(g.world.maps[:], func(m *mapping) bool { return m != nil })
	default:
		return slices.ContainsFunc(g.world.dirs[:], func(r *reading) bool { return r != nil })
	}
}

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }
