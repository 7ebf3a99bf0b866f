package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pair is a view and a plain directory in which the same things are done.
type pair struct {
	view, plain *world
	exceptions  []exception
	// shortOfMemory says that the kernel forgets inodes, too, when it is told to forget the view.
	shortOfMemory bool
	// gap is the longest time from a step's start in the view to its end in the plain directory.
	gap time.Duration
	// numbers are the inode numbers in the view, by what they are in the plain directory.
	numbers map[identity]uint64
	// timeless are files of which nobody can say what time they have, see noteTimes.
	timeless map[identity]bool
	// excused counts what the exceptions were needed for.
	excused map[string]int
	// worked counts the steps that were no errors.
	worked int
}

func newPair(driver string, view, plain *world) *pair {
	name, _ := choose(driver)
	return &pair{
		view: view, plain: plain,
		exceptions: slices.DeleteFunc(exceptions(), func(x exception) bool { return x.driver != name }),
		numbers:    map[identity]uint64{}, timeless: map[identity]bool{}, excused: map[string]int{},
	}
}

// do does a step in both and says what differs, or "".
func (p *pair) do(s *step) string {
	if p.avoided(s) {
		return ""
	}
	began := time.Now()
	got := s.op.do(p.view, s)
	if p.refused(s, got) {
		return ""
	}
	want := s.op.do(p.plain, s)
	p.gap = max(p.gap, time.Since(began))
	return p.compare(s, got, want)
}

func (p *pair) compare(s *step, got, want outcome) string {
	what := got.differs(want)
	if what == "" && got.seen != nil {
		what = p.differ(got.seen, want.seen)
	}
	if what != "" {
		return fmt.Sprintf("%s: the view says %s, the disk %s", what, got, want)
	}
	if got.errno == 0 {
		p.worked++
	}
	if err := p.noteTimes(s, got); err != nil {
		return "the plain directory: " + err.Error()
	}
	p.repair(s, got)
	if what := p.sameInode(got.seen, want.seen); what != "" {
		return what
	}
	return p.directories(s, got)
}

// sameInode says whether an inode has another number in the view than before.
func (p *pair) sameInode(view, plain *node) string {
	if view == nil || plain == nil || !p.numbered() {
		return ""
	}
	id := identityOf(plain)
	before, known := p.numbers[id]
	p.numbers[id] = view.Ino
	if known && before != view.Ino {
		return fmt.Sprintf("the inode number was %#x and is %#x", before, view.Ino)
	}
	return ""
}

// directories looks after the open ones.
func (p *pair) directories(s *step, o outcome) string {
	for _, r := range p.plain.dirs {
		if r == nil {
			continue
		}
		if err := r.look(); err != nil {
			return "the plain directory: " + err.Error()
		}
	}
	switch s.op.name {
	case "readdirRest", "seekdir", "rewinddir":
	default:
		return ""
	}
	if o.errno != 0 {
		return ""
	}
	rules := p.plain.dirs[s.fd2]
	if what := rules.wrong(rules); what != "" {
		return "the plain directory: " + what
	}
	return p.view.dirs[s.fd2].wrong(rules)
}

// end closes everything and compares the trees. It returns the view's.
func (p *pair) end() (tree []node, problem string) {
	view, plain, problem := p.openFiles()
	if problem != "" {
		return nil, problem
	}
	if err := p.close(); err != nil {
		return nil, "close: " + err.Error()
	}
	// A ".." may have led one directory up.
	seen, err := snapshot(parent(p.view.dir), viewStat)
	if err != nil {
		return nil, "the view: " + err.Error()
	}
	disk, err := snapshot(parent(p.plain.dir), plainStat)
	if err != nil {
		return nil, "the plain directory: " + err.Error()
	}
	if what := compareTrees(seen[1:], disk[1:], p.differ); what != "" {
		return nil, what
	}
	for i := range seen {
		if what := p.sameInode(&seen[i], &disk[i]); what != "" {
			return nil, fmt.Sprintf("%q: %s", seen[i].Path, what)
		}
	}
	if what := compareLinks(append(view, seen...), append(plain, disk...)); what != "" && p.numbered() {
		return nil, what
	}
	return seen, ""
}

// close gives up everything that is open in both.
func (p *pair) close() error { return errors.Join(p.view.closeAll(), p.plain.closeAll()) }

func parent(dir string) string { return dir[:strings.LastIndexByte(dir, '/')] }

// openFiles compares what the open descriptors lead to.
func (p *pair) openFiles() (view, plain []node, problem string) {
	for i, f := range p.plain.files {
		if f == nil {
			continue
		}
		name := fmt.Sprintf("fd%d", i)
		v, err := statFD(p.view.fd(i), viewStat)
		if err != nil {
			return nil, nil, name + ": " + err.Error()
		}
		d, err := statFD(p.plain.fd(i), plainStat)
		if err != nil {
			return nil, nil, name + ": " + err.Error()
		}
		if what := p.differ(v, d); what != "" {
			return nil, nil, fmt.Sprintf("%s: %s: view %s, on disk %s", name, what, v, d)
		}
		if d.kind() == unix.S_IFREG && f.flags&unix.O_ACCMODE != unix.O_WRONLY {
			s := &step{fd: i, n: int(d.Size) + 1}
			if what := doPread(p.view, s).differs(doPread(p.plain, s)); what != "" {
				return nil, nil, name + ": " + what
			}
		}
		v.Path, d.Path = name, name
		view, plain = append(view, *v), append(plain, *d)
	}
	return view, plain, ""
}
