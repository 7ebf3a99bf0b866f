package conformance

import (
	"math/rand/v2"
	"strings"

	"golang.org/x/sys/unix"
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
	s := &step{}
	at := g.IntN(g.total)
	for _, op := range g.table {
		if at -= op.weight; at < 0 {
			s.op = op
			break
		}
	}
	s.op.make(g, s)
	g.stale = s.op.names
	return s, nil
}

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// Choices of paths.

func (g *generator) dir() string { return pick(g, g.there.dirs...) }

func (g *generator) file() string { return g.among(g.there.files) }

func (g *generator) link() string { return g.among(g.there.links) }

// among picks one, or where there is none any path.
func (g *generator) among(paths []string) string {
	if len(paths) == 0 {
		return g.fresh()
	}
	return pick(g, paths...)
}

// any is an existing path of any kind, mostly a file's, but not the sequence's own directory.
func (g *generator) any() string {
	switch g.IntN(10) {
	case 0, 1:
		return g.among(g.there.dirs[1:])
	case 2:
		return g.link()
	case 3:
		return g.among(g.there.others)
	default:
		return g.file()
	}
}

// fresh is a path that most likely is not there, in a directory that is.
func (g *generator) fresh() string {
	dir := g.dir()
	for strings.Count(dir, "/") > 6 {
		dir = g.dir()
	}
	return below(dir, g.name())
}

func (g *generator) name() string {
	switch g.IntN(20) {
	case 0:
		return longName()
	case 1:
		return "bad\xff\xfe"
	case 2:
		return "sp ace\n"
	case 3:
		return strings.Repeat("é", 127)
	case 4:
		return longName() + "n" // ENAMETOOLONG
	default:
		return "new" + string('0'+rune(g.IntN(8)))
	}
}

// odd is a path that few programs use.
func (g *generator) odd() string {
	switch g.IntN(7) {
	case 0:
		return g.any() + "/"
	case 1:
		return g.dir() + "/."
	case 2:
		return g.file() + "/below"
	case 3:
		return g.dir() + "//" + g.name()
	case 4:
		return g.fresh() + "/"
	case 5:
		return g.link() + "/" + g.name()
	default:
		return g.fresh() + "/below"
	}
}

// target is a path for what is made, mostly a new one.
func (g *generator) target() string {
	switch g.IntN(12) {
	case 0, 1:
		return g.any()
	case 2:
		return g.odd()
	default:
		return g.fresh()
	}
}

// source is a path for what is there already, mostly.
func (g *generator) source() string {
	switch g.IntN(14) {
	case 0:
		return g.fresh()
	case 1:
		return g.odd()
	default:
		return g.any()
	}
}

// Choices of what is open.

func (g *generator) openFile() int {
	var open []int
	for i, f := range g.world.files {
		if f != nil {
			open = append(open, i)
		}
	}
	if len(open) == 0 || g.oneIn(40) {
		return g.IntN(maxFiles)
	}
	return pick(g, open...)
}

func (g *generator) openMap() int {
	for i, m := range g.world.maps {
		if m != nil && !g.oneIn(4) {
			return i
		}
	}
	return g.IntN(maxMaps)
}

func (g *generator) openDir() int {
	for i, d := range g.world.dirs {
		if d != nil && !g.oneIn(4) {
			return i
		}
	}
	return g.IntN(maxDirs)
}

// offset is near the end of a page, or of the files that there are.
func (g *generator) offset() int64 {
	switch g.IntN(8) {
	case 0:
		return 0
	case 1:
		return int64(g.IntN(140_000))
	case 2, 3:
		return int64(g.IntN(5000))
	default:
		return max(0, int64(pick(g, 0, 1, 1, 2, 3, 4, 16, 32))*4096+int64(g.IntN(5)-2))
	}
}

// length is mostly short, sometimes some pages.
func (g *generator) length() int {
	switch g.IntN(8) {
	case 0:
		return 0
	case 1:
		return g.IntN(70_000)
	case 2, 3:
		return 4096*g.IntN(4) + g.IntN(3)
	default:
		return 1 + g.IntN(200)
	}
}

func (g *generator) time() unix.Timespec {
	switch g.IntN(10) {
	case 0:
		return unix.Timespec{Nsec: unix.UTIME_NOW}
	case 1:
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	case 2:
		return unix.Timespec{Sec: pick[int64](g, -5, 0, 4_200_000_000), Nsec: int64(g.IntN(1e9))}
	default:
		return unix.Timespec{Sec: 1_100_000_000 + int64(g.IntN(1e8)), Nsec: int64(g.IntN(1e9))}
	}
}
