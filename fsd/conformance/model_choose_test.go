package conformance

import "golang.org/x/sys/unix"

// How the generator chooses from what is open, and numbers.

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

// openRDWR is an open file that can be read and written, if there is one.
func (g *generator) openRDWR() int {
	for i, f := range g.world.files {
		if f != nil && f.flags&unix.O_ACCMODE == unix.O_RDWR && !g.oneIn(3) {
			return i
		}
	}
	return g.openFile()
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

// offsetIn is an offset, half of the time in an open file or right at its end.
func (g *generator) offsetIn(fd int) int64 {
	n, err := statFD(g.world.fd(fd), plainStat)
	if err != nil || n.Size == 0 || g.oneIn(2) {
		return g.offset()
	}
	if g.oneIn(3) {
		return max(0, n.Size+int64(g.IntN(5)-3))
	}
	return g.Int64N(n.Size)
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
