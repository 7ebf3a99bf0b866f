package view_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/trace"
	"github.com/casview/casview/fsd/view"
)

// randomBytes returns the same bytes for the same seed.
func randomBytes(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}

func TestContentAtEverySize(t *testing.T) {
	f := newFixture(t)
	sizes := []int{
		0, 1, 4095, 4096, 4097, 128<<10 - 1, 128 << 10, 128<<10 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 17,
	}
	for i, n := range sizes {
		f.file(fmt.Sprintf("f%d", n), string(randomBytes(n, uint64(i))))
	}
	m := f.mount()
	for i, n := range sizes {
		for _, op := range []string{"read", "mmap"} {
			if n == 0 && op == "mmap" {
				continue
			}
			got := user(t, call{Op: op, Path: []byte(m.path(fmt.Sprintf("f%d", n)))})[0]
			if got.Errno != "" || !bytes.Equal(got.Out, randomBytes(n, uint64(i))) {
				t.Errorf("%s of %d bytes: %d bytes that differ, %s", op, n, len(got.Out), got.Errno)
			}
		}
	}
}

func TestRandomReadsAndMappingOfLargeFile(t *testing.T) {
	const size = 24<<20 + 333
	f := newFixture(t)
	content := randomBytes(size, 1)
	f.file("large", string(content))
	m := f.mount()
	r := rand.New(rand.NewPCG(1, 2))
	// Offsets far apart first, so that each is a READ of its own and not the kernel's readahead.
	for range 60 {
		offset, length := r.Int64N(size), 1+r.Int64N(300_000)
		want := content[offset:min(offset+length, size)]
		got := sh(t, `tail -c "+$2" "$1" | head -c "$3"`, m.path("large"), fmt.Sprint(offset+1), fmt.Sprint(length))
		if got != string(want) {
			t.Fatalf("%d bytes at %d differ", length, offset)
		}
	}
	got := user(t, call{Op: "mmap", Path: []byte(m.path("large"))})[0]
	if !bytes.Equal(got.Out, content) {
		t.Errorf("mapping of %d bytes differs, %s", len(got.Out), got.Errno)
	}
}

func TestConcurrentReaders(t *testing.T) {
	f := newFixture(t)
	for d := range 20 {
		for i := range 20 {
			f.file(fmt.Sprintf("tree/d%d/f%d", d, i), fmt.Sprintf("%d/%d", d, i))
		}
	}
	// More large files than the view keeps open.
	for i := range 150 {
		f.file(fmt.Sprintf("large/f%d", i), string(randomBytes(300<<10, uint64(i))))
	}
	m := f.mount()
	sums := make([]string, 8)
	var wg sync.WaitGroup
	for i := range sums {
		wg.Go(func() {
			out, err := exec.Command("/bin/sh", "-c", `cd "$1" && find . -type f -print0 | sort -z | xargs -0 cat | sha256sum`, "sh", m.dir).Output()
			sums[i] = fmt.Sprint(string(out), err)
		})
	}
	wg.Wait()
	for _, sum := range sums[1:] {
		if sum != sums[0] {
			t.Errorf("readers disagree: %s and %s", sum, sums[0])
		}
	}
	got := m.trace()
	if len(got.Inputs) != 550 || len(got.Listed) != 23 || got.Faults != nil {
		t.Errorf("trace has %d inputs, %d listed, faults %v; want 550, 23, none", len(got.Inputs), len(got.Listed), got.Faults)
	}
}

func TestUnreadableBlobIsEIOAndFault(t *testing.T) {
	cases := []struct {
		name   string
		verify bool
		damage func(path string) error
		cause  string
	}{
		{"missing", false, os.Remove, "not in the store"},
		{"short", false, func(p string) error { return os.Truncate(p, 3) }, "3 bytes long"},
		{"long", false, func(p string) error { return os.Truncate(p, 1<<21) }, "bytes long"},
		{"directory in its place", false, func(p string) error { os.Remove(p); return os.Mkdir(p, 0o755) }, ""},
		{"bits flipped, verified", true, flipByte, "content does not match"},
	}
	for _, size := range []int{100, 400 << 10} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s of %d", c.name, size), func(t *testing.T) {
				f := newFixture(t)
				digest := f.file("dir/bad", string(randomBytes(size, 1)))
				good := randomBytes(size, 2)
				f.file("dir/good", string(good))
				m := f.mountWith(mountOptions{view: view.Options{VerifyFirstRead: c.verify}})
				if err := c.damage(f.blobPath(digest)); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if got := user(t, call{Op: "read", Path: []byte(m.path("dir/bad"))})[0]; got.Errno != "EIO" {
						t.Errorf("read: got %q and %d bytes, want EIO", got.Errno, len(got.Out))
					}
				}
				if got := user(t, call{Op: "read", Path: []byte(m.path("dir/good"))})[0]; !bytes.Equal(got.Out, good) {
					t.Errorf("the other file: %q, %d bytes", got.Errno, len(got.Out))
				}
				got := m.trace()
				if !reflect.DeepEqual(got.Inputs, []string{"dir/good"}) || len(got.Faults) != 1 {
					t.Fatalf("trace is %+v, want one input and one fault", got)
				}
				if fault := got.Faults[0]; fault.Path != "dir/bad" || fault.Digest != digest || !strings.Contains(fault.Cause, c.cause) {
					t.Errorf("fault %+v", fault)
				}
			})
		}
	}
}

func flipByte(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o444)
}

func TestMissingDirectoryIsEIOAndFault(t *testing.T) {
	f := newFixture(t)
	f.file("a/lost/file", "x")
	f.file("a/kept/file", "y")
	root := f.finish()
	lost, err := tree.Resolve(f.store, root, "a/lost")
	if err != nil {
		t.Fatal(err)
	}
	m := mountRoot(t, f.store, root, mountOptions{})
	if err := os.Remove(f.blobPath(lost.Digest)); err != nil {
		t.Fatal(err)
	}
	if got := sh(t, `ls "$1/a"; cat "$1/a/kept/file"`, m.dir); got != "kept\nlost\ny" {
		t.Errorf("what is there: %q", got)
	}
	if got := m.trace().Faults; got != nil {
		t.Errorf("faults %v before the directory was needed", got)
	}
	for _, path := range []string{"a/lost", "a/lost/file"} {
		if got := user(t, call{Op: "stat", Path: []byte(m.path(path))})[0]; got.Errno != "EIO" {
			t.Errorf("%s: got %q, want EIO", path, got.Errno)
		}
	}
	got := m.trace().Faults
	if len(got) != 1 || got[0].Path != "a/lost" || got[0].Digest != lost.Digest {
		t.Errorf("faults %+v", got)
	}
}

// A blob that comes back, from a remote store say, can be read.
func TestBlobThatComesBackIsRead(t *testing.T) {
	f := newFixture(t)
	content := string(randomBytes(300<<10, 1))
	digest := f.file("f", content)
	m := f.mount()
	if err := os.Remove(f.blobPath(digest)); err != nil {
		t.Fatal(err)
	}
	read := call{Op: "read", Path: []byte(m.path("f"))}
	if got := user(t, read)[0]; got.Errno != "EIO" {
		t.Fatalf("got %q, want EIO", got.Errno)
	}
	if _, err := f.store.PutBytes([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if got := user(t, read)[0]; string(got.Out) != content {
		t.Errorf("%d bytes, %s", len(got.Out), got.Errno)
	}
}

// countingStore counts how often each blob is opened.
type countingStore struct {
	cas.Reader
	mu     sync.Mutex
	opened map[cas.Digest]int
}

func (s *countingStore) Open(d cas.Digest) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened[d]++
	return s.Reader.Open(d)
}

func TestLargeBlobIsOpenedOnceAndVerifiedOnce(t *testing.T) {
	f := newFixture(t)
	content := string(randomBytes(8<<20, 1))
	digest := f.file("one", content)
	f.file("two", content)
	s := &countingStore{Reader: f.store, opened: map[cas.Digest]int{}}
	m := mountRoot(t, s, f.finish(), mountOptions{view: view.Options{VerifyFirstRead: true}})
	sh(t, `cmp "$1/one" "$1/two"`, m.dir)
	if got := s.opened[digest]; got != 1 {
		t.Errorf("opened %d times, want 1", got)
	}
	if got := m.trace(); !reflect.DeepEqual(got, trace.Trace{Inputs: []string{"one", "two"}}) {
		t.Errorf("trace is %+v", got)
	}
}
