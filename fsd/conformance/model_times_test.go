package conformance

import (
	"time"

	"golang.org/x/sys/unix"
)

// A write to a mapped page changes the file's time when the page was clean, or by the next msync(2), says POSIX. When a
// page becomes clean is the kernel's business. So when a time was set while the file was mapped, and the mapping is then
// written to, either time is right.

// identity tells an inode of the plain directory from one that had its number before.
type identity struct {
	ino      uint64
	bornSec  int64
	bornNsec uint32
}

func identityOf(n *node) identity { return identity{n.Ino, n.BornSec, n.BornNsec} }

// noteTimes notes of which files the time is not known after a step.
func (p *pair) noteTimes(s *step, o outcome) error {
	if o.errno != 0 || s.times[1].Nsec == unix.UTIME_OMIT {
		return nil
	}
	var file *node
	var err error
	switch s.op.name {
	case "mapWrite":
		if o.n == 0 {
			return nil
		}
		if file, err = statFD(p.plain.maps[s.fd2].fd, plainStat); err == nil {
			p.timeless[identityOf(file)] = true
		}
		return err
	case "utimensat":
		file, err = statPath(p.plain.at(s.path), s.flags, plainStat)
	case "futimens":
		file, err = statFD(p.plain.fd(s.fd), plainStat)
	default:
		return nil
	}
	if err == nil && !p.mapped(identityOf(file)) {
		delete(p.timeless, identityOf(file))
	}
	return err
}

// mapped says whether a file can be written to by a mapping.
func (p *pair) mapped(id identity) bool {
	for _, m := range p.plain.maps {
		if m == nil || !m.writable {
			continue
		}
		if n, err := statFD(m.fd, plainStat); err != nil || identityOf(n) == id {
			return true
		}
	}
	return false
}

// slack is how far apart the times of a file may be.
func (p *pair) slack(plain *node) time.Duration {
	if p.timeless[identityOf(plain)] {
		return anyTime
	}
	return p.gap + clockSlack
}
