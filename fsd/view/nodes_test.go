package view

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
)

func dirOf(names ...string) *dir {
	t := &tree.Directory{}
	for _, name := range names {
		t.Entries = append(t.Entries, tree.Entry{Name: name})
	}
	d, err := newDir(t, nil, 0)
	if err != nil {
		panic(err)
	}
	return d
}

func TestNodesFindsEveryEntryAndNothingElse(t *testing.T) {
	var n nodes
	dirs := []*dir{dirOf("a"), dirOf(), dirOf("b", "c", "d"), dirOf(), dirOf(), dirOf("e")}
	for i, d := range dirs {
		if k, err := n.add(d); err != nil || k != i || n.at(k) != d {
			t.Fatalf("add %d: got %d, %v", i, k, err)
		}
	}
	want := []string{2: "a", 3: "b", 4: "c", 5: "d", 6: "e"}
	for id := range uint64(10) {
		d, i, ok := n.find(id)
		if exists := id >= 2 && id <= 6; ok != exists {
			t.Errorf("find %d: %v", id, ok)
		} else if ok && d.name(i) != want[id] {
			t.Errorf("find %d: %q, want %q", id, d.name(i), want[id])
		}
	}
	for _, id := range []uint64{1 << 32, 1<<32 + 2, ^uint64(0)} {
		if _, _, ok := n.find(id); ok {
			t.Errorf("found %d", id)
		}
	}
}

func TestNodesFindWhileAdding(t *testing.T) {
	var n nodes
	if _, err := n.add(dirOf("first")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 2000 {
				if _, err := n.add(dirOf("x", "y")); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20000 {
				if d, i, ok := n.find(2); !ok || d.name(i) != "first" {
					t.Error("lost the first entry")
				}
			}
		})
	}
	wg.Wait()
	for id := uint64(3); id < 3+8000; id++ {
		if _, _, ok := n.find(id); !ok {
			t.Fatalf("lost %d", id)
		}
	}
}

func TestNodesEndAtTheLastNumber(t *testing.T) {
	var n nodes
	last := &dir{entries: make([]entry, 3)}
	n.slots.Store(&[]slot{{lastID - 3, last}})
	if _, err := n.add(dirOf("one too many")); err == nil {
		t.Error("no error")
	}
	if _, err := n.add(dirOf()); err != nil {
		t.Errorf("an empty directory needs no number: %v", err)
	}
}

// The daemon has a bound of 256 MiB with a million inputs listed. Go's heap may be twice what is live.
func TestMemoryOfAMillionListedInputs(t *testing.T) {
	store, err := cas.OpenLocal(t.TempDir(), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const dirs, files = 1000, 1000
	v := newWideView(t, store, dirs, files)
	before := liveHeap()
	listAll(t, v, 1)
	for id := range uint64(dirs) {
		listAll(t, v, 2+id)
	}
	if _, _, ok := v.nodes.find(dirs + dirs*files + 1); !ok {
		t.Fatal("not all was listed")
	}
	const limit = 110 << 20
	if used := liveHeap() - before; used > limit {
		t.Errorf("%d MiB, want less than %d", used>>20, limit>>20)
	} else {
		t.Logf("%d bytes for each path", used/(dirs*files))
	}
	runtime.KeepAlive(v)
}

func newWideView(t *testing.T, store *cas.Local, dirs, files int) *View {
	t.Helper()
	child := &tree.Directory{Mode: 0o755}
	for i := range files {
		child.Entries = append(child.Entries, tree.Entry{
			Name: fmt.Sprintf("some_source_file_%06d.c", i), Size: 1, Mode: 0o644, Digest: cas.Sum(cas.SHA256, []byte{byte(i)}),
		})
	}
	message := child.Encode()
	digest, err := store.PutBytes(message)
	if err != nil {
		t.Fatal(err)
	}
	root := &tree.Directory{Mode: 0o755}
	for i := range dirs {
		root.Entries = append(root.Entries, tree.Entry{
			Name: fmt.Sprintf("d%06d", i), Kind: tree.Dir, Digest: digest, Size: int64(len(message)),
		})
	}
	rootDigest, err := store.PutBytes(root.Encode())
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(store, rootDigest, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func listAll(t *testing.T, v *View, id uint64) {
	t.Helper()
	buf := make([]byte, 32<<10)
	for offset := uint64(0); ; {
		list := fuse.NewDirEntryList(buf, offset)
		in := &fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Offset: offset}
		if status := v.ReadDirPlus(nil, in, list); !status.Ok() {
			t.Fatal(status)
		}
		if list.Offset == offset {
			return
		}
		offset = list.Offset
	}
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
