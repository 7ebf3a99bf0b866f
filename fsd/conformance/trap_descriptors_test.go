package conformance

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// What a job opens, deletes and never names again costs the daemon no descriptor once it is gone.
func TestTrapDescriptorsOfDaemon(t *testing.T) {
	in := manyInputs("dir", 50)
	onEachPlace(t, in, func(t *testing.T, p *place) {
		if p.view == nil {
			t.Skip("nobody serves the host's filesystem")
		}
		h := p.hand(t, root)
		round := func() {
			h.ok("mkdir", "made", "0755")
			for i := range 100 {
				h.ok("open", "f", "made", "O_RDWR|O_TMPFILE", "0600")
				h.ok("write", "f", "x")
				if i%2 == 0 {
					h.ok("linkfd", "f", fmt.Sprint("made/linked", i))
				}
				h.ok("close", "f")
				name := fmt.Sprint("made/", i)
				h.ok("open", "f", name, "O_RDWR|O_CREAT", "0600")
				h.ok("write", "f", "x")
				h.ok("unlink", name)
				h.ok("pwrite", "f", "0", "y")
				h.ok("close", "f")
				h.ok("mkdir", name, "0700")
				h.ok("open", "f", name, "O_RDONLY|O_DIRECTORY")
				h.ok("rmdir", name)
				h.ok("close", "f")
			}
			if n := p.descriptors(t); p.fewFiles && n > 50 {
				t.Errorf("the daemon has %d descriptors while all files are closed", n)
			}
			for i := range 100 {
				if i%2 == 0 {
					h.ok("unlink", fmt.Sprint("made/linked", i))
				}
			}
			h.ok("rmdir", "made")
		}
		round()
		before := p.descriptors(t)
		for range 3 {
			round()
		}
		// The kernel tells the daemon of what is gone when it likes.
		after := p.descriptors(t)
		for until := time.Now().Add(10 * time.Second); after > before+20 && time.Now().Before(until); {
			time.Sleep(50 * time.Millisecond)
			p.forget(t)
			after = p.descriptors(t)
		}
		if after > before+20 {
			t.Errorf("the daemon had %d descriptors after one round and has %d after four", before, after)
		}
	})
}

// descriptors is how many files the daemon has open.
func (p *place) descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.view.daemon.process.Pid))
	must(t, err)
	return len(entries)
}
