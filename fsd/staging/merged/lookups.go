package merged

// lookups are how often the kernel was told of inputs, less what it has forgotten, by number. They are kept in pages, since
// the inputs of a directory have numbers one after another, and a job that lists one is told of all.
type lookups map[uint64]*lookupPage

type lookupPage struct {
	told  [lookupsOfPage]uint64
	known int // how many are not zero
}

const lookupsOfPage = 256

func (l lookups) of(id uint64) uint64 {
	if p := l[id/lookupsOfPage]; p != nil {
		return p.told[id%lookupsOfPage]
	}
	return 0
}

func (l lookups) add(id uint64) {
	p := l[id/lookupsOfPage]
	if p == nil {
		p = &lookupPage{}
		l[id/lookupsOfPage] = p
	}
	if p.told[id%lookupsOfPage]++; p.told[id%lookupsOfPage] == 1 {
		p.known++
	}
}

// forget takes back count lookups of an input.
func (l lookups) forget(id, count uint64) {
	p := l[id/lookupsOfPage]
	if p == nil {
		return
	}
	told := &p.told[id%lookupsOfPage]
	if *told == 0 {
		return
	}
	if *told -= min(count, *told); *told > 0 {
		return
	}
	if p.known--; p.known == 0 {
		delete(l, id/lookupsOfPage)
	}
}

// take returns all lookups of an input and forgets them.
func (l lookups) take(id uint64) uint64 {
	told := l.of(id)
	l.forget(id, told)
	return told
}
