package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// failure is a sequence in which the view was not as the plain directory.
type failure struct {
	seed    uint64
	looked  bool // at all inputs before the first step
	steps   []*step
	problem string
}

func (f *failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: after these %d steps: %s\n", f.seed, len(f.steps), f.problem)
	if f.looked {
		b.WriteString("   0 stat of every input\n")
	}
	for i, s := range f.steps {
		fmt.Fprintf(&b, "%4d %s\n", i+1, s)
	}
	return b.String()
}

// done is what a sequence that went well leaves to be looked at later.
type done struct {
	tree     []node
	looked   bool
	steps    []*step
	worked   int // of them
	excused  map[string]int
	numbered bool // see pair
}

// shortest and longest are the numbers of steps of a sequence.
const (
	shortest = 20
	longest  = 60
)

// field is where sequences are run: a view with inputs for many, and a directory for the plain ones.
type field struct {
	options
	m     *mounted
	plain string
	left  []node      // in the end, in the whole view
	also  []exception // for tests of the test
}

func newField(t *testing.T, o options, n int) *field {
	t.Helper()
	o.inputs = modelView(n)
	return &field{options: o, m: mountView(t, o), plain: t.TempDir()}
}

// forget makes the kernel forget the view, but for what is open.
func (f *field) forget() error {
	if err := f.m.dropCaches(); err != nil || !f.shortOfMemory {
		return err
	}
	return dropInodes()
}

// pair is the place of sequence i. The plain directory is written now.
func (f *field) pair(i int) (*pair, error) {
	view := &world{dir: filepath.Join(f.m.Dir, sequenceDir(i)), drop: f.forget}
	plain := &world{dir: filepath.Join(f.plain, sequenceDir(i)), plain: true}
	if err := os.MkdirAll(plain.dir, 0o755); err != nil {
		return nil, err
	}
	p := newPair(f.driver, view, plain)
	p.shortOfMemory = f.shortOfMemory
	p.view.unsteady = f.shortOfMemory && !p.numbered()
	p.exceptions = append(p.exceptions, f.also...)
	return p, modelInputs().write(plain.dir)
}

// runSeed makes sequence i and does it.
func (f *field) runSeed(i int, seed uint64) (*done, *failure) {
	p, err := f.pair(i)
	if err != nil {
		return nil, &failure{seed: seed, problem: err.Error()}
	}
	defer os.RemoveAll(parent(p.plain.dir))
	g := newGenerator(seed, p.plain)
	n := shortest + g.IntN(longest-shortest+1)
	l := &failure{seed: seed, looked: g.oneIn(2)}
	if l.looked {
		l.problem = p.lookAtAll()
	}
	for len(l.steps) < n && l.problem == "" {
		s, err := g.next()
		if err != nil {
			l.problem = "the plain directory: " + err.Error()
			break
		}
		l.steps = append(l.steps, s)
		l.problem = p.do(s)
	}
	return p.finish(l)
}

// replay does the steps of another sequence.
func (f *field) replay(i int, looked bool, steps []*step) *failure {
	p, err := f.pair(i)
	if err != nil {
		return &failure{problem: err.Error()}
	}
	defer os.RemoveAll(parent(p.plain.dir))
	l := &failure{looked: looked}
	if looked {
		l.problem = p.lookAtAll()
	}
	for i := 0; i < len(steps) && l.problem == ""; i++ {
		l.steps = append(l.steps, steps[i])
		l.problem = p.do(steps[i])
	}
	d, failed := p.finish(l)
	if failed != nil {
		return failed
	}
	if l.problem = f.again(i, d); l.problem != "" {
		return l
	}
	return nil
}

// again looks at what a sequence has left once more when the kernel has forgotten the view, and says what is not the same:
// it was in the kernel's memory only.
func (f *field) again(i int, d *done) string {
	if err := f.forget(); err != nil {
		return err.Error()
	}
	now, err := snapshot(filepath.Join(f.m.Dir, parent(sequenceDir(i))), viewStat)
	if err != nil {
		return "the view: " + err.Error()
	}
	if what := compareAgain(d.tree, now, d.numbered); what != "" {
		return "when the kernel has forgotten it: " + what
	}
	return ""
}

// lookAtAll stats every input, as a job may do first of all, and notes the inode numbers.
func (p *pair) lookAtAll() string {
	seen, err := snapshotNames(p.view)
	if err != nil {
		return "the view: " + err.Error()
	}
	disk, err := snapshotNames(p.plain)
	if err != nil {
		return "the plain directory: " + err.Error()
	}
	if len(seen) != len(disk) {
		return fmt.Sprintf("%d inputs, on disk %d", len(seen), len(disk))
	}
	for i := range seen {
		if what := p.differ(&seen[i], &disk[i]); what != "" {
			return fmt.Sprintf("%q: %s", seen[i].Path, what)
		}
		p.sameInode(&seen[i], &disk[i])
	}
	return ""
}

// snapshotNames is a snapshot without contents.
func snapshotNames(w *world) ([]node, error) {
	var all []node
	err := filepath.WalkDir(w.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		n, err := statPath(path, noFollow, w.mask())
		if err == nil {
			n.Path = path[len(w.dir):]
			all = append(all, *n)
		}
		return err
	})
	return all, err
}

// finish compares the trees, if nothing was wrong before.
func (p *pair) finish(l *failure) (*done, *failure) {
	d := &done{looked: l.looked, steps: l.steps, worked: p.worked, excused: p.excused, numbered: p.numbered()}
	if l.problem == "" {
		d.tree, l.problem = p.end()
	}
	if l.problem == "" {
		return d, nil
	}
	_ = p.close() // what it says does not matter any more
	return nil, l
}

// sideBySide runs n sequences, some at a time, until one fails.
func sideBySide(n int, run func(i int) (*done, *failure)) ([]*done, *failure) {
	all := make([]*done, n)
	var next atomic.Int64
	var first atomic.Pointer[failure]
	var workers sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && first.Load() == nil; i = int(next.Add(1)) - 1 {
				d, f := run(i)
				if f != nil {
					first.CompareAndSwap(nil, f)
					return
				}
				all[i] = d
			}
		})
	}
	workers.Wait()
	return all, first.Load()
}
