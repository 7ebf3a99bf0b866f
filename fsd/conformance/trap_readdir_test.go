package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A large directory is removed while it is read, as rm does it: no name is missed, none comes twice.
func TestTrapRemoveWhileReading(t *testing.T) {
	const n = 2500
	in := manyInputs("dir", n)
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("fill", "dir", fmt.Sprint(n))
		fd, err := openDir(p.path("dir"))
		must(t, err)
		defer unix.Close(fd)
		removed := 0
		for buf := make([]byte, 32<<10); ; {
			some, err := readDirents(fd, buf)
			must(t, err)
			if len(some) == 0 {
				break
			}
			for _, e := range some {
				if e.dots() {
					continue
				}
				if err := unix.Unlinkat(fd, e.name, 0); err != nil {
					t.Fatalf("%s, after %d others: %v", e.name, removed, err)
				}
				removed++
			}
		}
		if removed != 2*n {
			t.Errorf("%d of %d names were listed", removed, 2*n)
		}
		h.ok("rmdir", "dir")
		h.fails(unix.ENOENT, "list", "dir")
		unix.Close(fd)
		if r := p.result(); r != nil && (len(r.HashedFiles) != 0 || len(r.DeletedInputs) != n+1) {
			t.Errorf("%d outputs, %d deleted inputs", len(r.HashedFiles), len(r.DeletedInputs))
		}
	})
}

// A place in a directory that was noted stays a place while entries go and come.
func TestTrapSeekInDirectory(t *testing.T) {
	const n = 300
	in := manyInputs("dir", n)
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("fill", "dir", fmt.Sprint(n))
		fd, err := openDir(p.path("dir"))
		must(t, err)
		defer unix.Close(fd)
		all, err := readRest(fd)
		must(t, err)
		if len(all) != 2*n+2 {
			t.Fatalf("%d entries", len(all))
		}
		for _, i := range []int{2 * n, n, 1, 17, n + 1} {
			must(t, seekDir(fd, all[i].next))
			next, err := readDirents(fd, make([]byte, 256))
			must(t, err)
			if next[0].name != all[i+1].name {
				t.Errorf("behind entry %d: %s, expected %s", i, next[0].name, all[i+1].name)
			}
		}
		// Some entries go on both sides of the middle, others come.
		middle := n + 1
		want := map[string]bool{}
		for i, e := range all {
			if gone := i%3 == 0 && !e.dots(); gone {
				h.ok("unlink", "dir/"+e.name)
			} else if i > middle {
				want[e.name] = true
			}
			if i%10 == 0 {
				h.ok("put", fmt.Sprintf("dir/later%d", i), "x")
			}
		}
		must(t, seekDir(fd, all[middle].next))
		rest, err := readRest(fd)
		must(t, err)
		for _, e := range rest {
			if strings.HasPrefix(e.name, "later") {
				continue
			}
			was := slices.IndexFunc(all, func(old dirent) bool { return old.name == e.name })
			if deleted := was%3 == 0; !want[e.name] && (was <= middle || !deleted) {
				t.Errorf("%s, entry %d, comes again behind entry %d", e.name, was, middle)
			}
			delete(want, e.name)
		}
		for name := range want {
			t.Errorf("%s is missing behind entry %d", name, middle)
		}
		// From the start again, all is there as it is now.
		must(t, seekDir(fd, 0))
		now, err := readRest(fd)
		must(t, err)
		fresh, err := listDir(p.path("dir"))
		must(t, err)
		if len(now) != len(fresh) {
			t.Errorf("%d entries after rewinddir, %d after opendir", len(now), len(fresh))
		}
	})
}

func seekDir(fd int, to int64) error {
	_, err := unix.Seek(fd, to, unix.SEEK_SET)
	return err
}
