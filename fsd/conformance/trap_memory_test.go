package conformance

import (
	"flag"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

var alone = flag.Bool("alone", false, "no other test runs: some make the kernel forget all inodes")

// Where memory is short the kernel forgets inodes, those too that copied-up files come from, and has to find them again.
func TestTrapMemoryIsShort(t *testing.T) {
	mayDropInodes(t)
	const n = 20
	in := manyInputs("dir/sub", n)
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		numbers := map[string]uint64{}
		for name := range in {
			h.ok("chmod", name, "0640")
			numbers[name] = statOf(t, p.path(name)).Ino
		}
		same := 0
		for range 3 {
			p.forget(t)
			must(t, dropInodes())
			same = 0
			for name, was := range numbers {
				st := statOf(t, p.path(name))
				if st.Mode != unix.S_IFREG|0o640 {
					t.Errorf("%s: mode %o", name, st.Mode)
				}
				if st.Ino == was {
					same++
				}
				h.fails(unix.ENOTDIR, "rmdir", name)
				h.ok("put", name, "written")
			}
		}
		p.differs(t, numbersOfCopies, same == n)
	})
}

// mayDropInodes skips where others would see it.
func mayDropInodes(t *testing.T) {
	t.Helper()
	switch {
	case !*alone:
		t.Skip("it makes the kernel forget inodes of other tests, too: run it alone, with -alone")
	case os.Geteuid() != 0:
		t.Skip("to make the kernel forget inodes needs root")
	}
}

// dropInodes makes the kernel forget all names and inodes that are not in use, those of other filesystems, too.
func dropInodes() error { return os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0) }
