package conformance

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	fsxMaxSize = 5 << 19 // two and a half MiB
	fsxPage    = 4096
)

// fsxConfig is one writing process of the data test.
type fsxConfig struct {
	Dir  string // absolute; this process owns what is in it
	Seed uint64
	Ops  int
	// Stale is the exception staleMappings, NoCopy is copyFromInput.
	Stale, NoCopy bool
	// Fallocate are the modes that the place's filesystem has.
	Fallocate []uint32
	// Direct says that O_DIRECT can be opened.
	Direct bool
	// Sabotage makes the process damage a file behind its own back before the end: TestFSXFinds.
	Sabotage string
}

// fsxRun does random things to some files and compares them with their copies in memory.
type fsxRun struct {
	fsxConfig
	rng      *rand.Rand
	files    []*fsxFile
	op       int
	made     int    // counts new names
	aligned  []byte // for O_DIRECT
	announce func(*fsxFile) error
}

// newFSXRun opens nothing yet. The inputs are those of fsxInputs; as many new files are made beside them.
func newFSXRun(c fsxConfig, announce func(*fsxFile) error) (*fsxRun, error) {
	r := &fsxRun{fsxConfig: c, rng: rand.New(rand.NewPCG(c.Seed, 1)), announce: announce}
	var err error
	r.aligned, err = unix.Mmap(-1, 0, fsxMaxSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	for _, in := range fsxInputs(c.Seed) {
		r.files = append(r.files, &fsxFile{
			names: []string{filepath.Join(c.Dir, in.name)}, data: in.content, lower: true, input: sha256Hex(in.content),
		})
	}
	for i := range fsxNewFiles {
		f := &fsxFile{names: []string{filepath.Join(c.Dir, "new"+strconv.Itoa(i))}}
		if _, err := f.open(f.names[0], unix.O_RDWR|unix.O_CREAT|unix.O_EXCL); err != nil {
			return nil, err
		}
		r.files = append(r.files, f)
	}
	return r, nil
}

// run does all operations. The error names the operation and what happened to the file before.
func (r *fsxRun) run() error {
	for r.op = range r.Ops {
		f := r.files[r.rng.IntN(len(r.files))]
		if err := r.step(f); err != nil {
			return r.explain(f, err)
		}
	}
	if err := r.sabotage(); err != nil {
		return err
	}
	for _, f := range r.files {
		if err := r.finish(f); err != nil {
			return r.explain(f, err)
		}
	}
	return nil
}

// step does one operation and now and then more checks.
func (r *fsxRun) step(f *fsxFile) error {
	op := r.pick()
	if err := guarded(func() error { return op.do(r, f) }); err != nil {
		return fmt.Errorf("%s: %w", op.name, err)
	}
	switch r.rng.IntN(40) {
	case 0:
		return guarded(func() error { return r.verify(f) })
	case 1, 2:
		return r.tell(f)
	}
	return nil
}

func (r *fsxRun) tell(f *fsxFile) error {
	if r.announce == nil {
		return nil
	}
	return r.announce(f)
}

// finish checks a file while it is open, closes it, and checks it again.
func (r *fsxRun) finish(f *fsxFile) error {
	if err := guarded(func() error { return r.verify(f) }); err != nil {
		return err
	}
	if err := f.closeAll(); err != nil {
		return err
	}
	for _, name := range f.names {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := compare("in the end, "+name, 0, b, f.data); err != nil {
			return err
		}
	}
	return r.tell(f)
}

func (r *fsxRun) explain(f *fsxFile, err error) error {
	return fmt.Errorf("operation %d on %s, seed %d: %w\nbefore that:\n\t%s",
		r.op, f.names[0], r.Seed, err, strings.Join(f.history, "\n\t"))
}

// pick chooses an operation by weight.
func (r *fsxRun) pick() fsxOp {
	total := 0
	for _, op := range fsxOps {
		total += op.weight
	}
	n := r.rng.IntN(total)
	for _, op := range fsxOps {
		if n -= op.weight; n < 0 {
			return op
		}
	}
	return fsxOps[0]
}

// guarded turns a SIGBUS in a mapping into an error.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		var fault interface{ Addr() uintptr }
		if p := recover(); p != nil {
			cause, ok := p.(error)
			if !ok || !errors.As(cause, &fault) {
				panic(p)
			}
			err = fmt.Errorf("SIGBUS: %w", cause)
		}
	}()
	return fn()
}

// offset is somewhere in a file of the greatest size, often close to a border that page, request or readahead sizes
// make.
func (r *fsxRun) offset() int {
	borders := []int{fsxPage, 128 << 10, 1 << 20}
	if r.rng.IntN(2) == 0 {
		return r.rng.IntN(fsxMaxSize)
	}
	border := borders[r.rng.IntN(len(borders))]
	at := border*r.rng.IntN(fsxMaxSize/border) + r.rng.IntN(7) - 3
	return max(at, 0)
}

// length is how much an operation does: mostly little.
func (r *fsxRun) length() int {
	var n int
	switch r.rng.IntN(10) {
	case 0, 1, 2:
		n = 1 + r.rng.IntN(100)
	case 3, 4, 5:
		n = 1 + r.rng.IntN(3*fsxPage)
	case 6, 7:
		n = fsxPage*(1+r.rng.IntN(4)) + r.rng.IntN(7) - 3
	case 8:
		n = 128<<10 + r.rng.IntN(7) - 3
	case 9:
		n = 1 + r.rng.IntN(1<<20+fsxPage)
	}
	return n
}

// extent is an offset and a length that stay in the greatest size.
func (r *fsxRun) extent() (at, n int) {
	at, n = r.offset(), r.length()
	return at, min(n, fsxMaxSize-at)
}

// within is an extent that lies inside the file, which must not be empty.
func (r *fsxRun) within(f *fsxFile) (at, n int) {
	at, n = r.extent()
	at %= len(f.data)
	return at, min(n, len(f.data)-at)
}

// random fills b with new bytes, none of them zero: a zero then never is data.
func (r *fsxRun) random(b []byte) []byte {
	for i := 0; i < len(b); i += 8 {
		v := r.rng.Uint64() | 0x0101010101010101
		for j := i; j < min(i+8, len(b)); j++ {
			b[j] = byte(v)
			v >>= 8
		}
	}
	return b
}
