package tree

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/casview/casview/cas"
)

func TestDecodeRoundTrip(t *testing.T) {
	for name, want := range sampleDirectories() {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(want.Encode(), cas.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Entries) == 0 {
				got.Entries = nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
			for i, e := range want.Entries {
				if j, ok := got.Find(e.Name); !ok || j != i {
					t.Errorf("Find(%q) = %d, %v; want %d", e.Name, j, ok, i)
				}
			}
			if i, ok := got.Find("not there"); ok {
				t.Errorf("Find of a missing name = %d", i)
			}
		})
	}
}

func TestDecodeKeepsAlgorithm(t *testing.T) {
	d := &Directory{Entries: []Entry{{Name: "a", Digest: cas.Sum(cas.BLAKE3, nil)}}}
	got, err := Decode(d.Encode(), cas.BLAKE3)
	if err != nil || got.Entries[0].Digest != d.Entries[0].Digest {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Decode(d.Encode(), 0); err == nil {
		t.Error("Decode with no algorithm succeeded")
	}
}

func reDigest(size int64) *repb.Digest { return &repb.Digest{Hash: digestA.Hex(), SizeBytes: size} }

// What Bazel, Buildbarn's and others' clients write, which Encode would not.
func TestDecodeForeign(t *testing.T) {
	file := func(f *repb.FileNode) *repb.Directory {
		f.Name, f.Digest = "f", reDigest(3)
		return &repb.Directory{Files: []*repb.FileNode{f}}
	}
	want := func(mode uint32, sec int64) *Directory {
		return &Directory{Mode: 0o755, Entries: []Entry{{Name: "f", Digest: digestA, Size: 3, Mode: mode, MtimeSec: sec}}}
	}
	for _, c := range []struct {
		name string
		in   *repb.Directory
		tail []byte
		want *Directory
	}{
		{name: "no message at all", in: &repb.Directory{}, want: &Directory{Mode: 0o755, Entries: []Entry{}}},
		{name: "file without properties", in: file(&repb.FileNode{}), want: want(0o644, 0)},
		{name: "executable without properties", in: file(&repb.FileNode{IsExecutable: true}), want: want(0o755, 0)},
		{name: "mtime only", in: file(&repb.FileNode{IsExecutable: true, NodeProperties: &repb.NodeProperties{Mtime: &timestamppb.Timestamp{Seconds: 7}}}), want: want(0o755, 7)},
		{name: "mode only", in: file(&repb.FileNode{NodeProperties: &repb.NodeProperties{UnixMode: wrapperspb.UInt32(0o600)}}), want: want(0o600, 0)},
		{name: "mode wins over executable", in: file(&repb.FileNode{IsExecutable: true, NodeProperties: &repb.NodeProperties{UnixMode: wrapperspb.UInt32(0)}}), want: want(0, 0)},
		{name: "mode with file type", in: file(&repb.FileNode{NodeProperties: &repb.NodeProperties{UnixMode: wrapperspb.UInt32(0o100640)}}), want: want(0o640, 0)},
		{name: "string properties", in: file(&repb.FileNode{NodeProperties: &repb.NodeProperties{Properties: []*repb.NodeProperty{{Name: "k", Value: "v"}}}}), want: want(0o644, 0)},
		{name: "symlink without properties", in: &repb.Directory{Symlinks: []*repb.SymlinkNode{{Name: "l", Target: "t"}}},
			want: &Directory{Mode: 0o755, Entries: []Entry{{Name: "l", Kind: Symlink, Target: "t", Mode: 0o777}}}},
		{name: "unknown fields", in: file(&repb.FileNode{}), tail: unknownFields(), want: want(0o644, 0)},
		{name: "lists in another order", in: &repb.Directory{Directories: []*repb.DirectoryNode{{Name: "d", Digest: reDigest(1)}}},
			tail: marshal(t, file(&repb.FileNode{})), want: &Directory{Mode: 0o755, Entries: []Entry{
				{Name: "d", Kind: Dir, Digest: digestA, Size: 1}, {Name: "f", Digest: digestA, Size: 3, Mode: 0o644}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode(append(marshal(t, c.in), c.tail...), cas.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func unknownFields() []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), 1)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 100, protowire.Fixed64Type), 1)
	b = protowire.AppendFixed32(protowire.AppendTag(b, 101, protowire.Fixed32Type), 1)
	b = protowire.AppendString(protowire.AppendTag(b, 1<<20, protowire.BytesType), "x")
	b = protowire.AppendTag(b, 102, protowire.StartGroupType)
	return protowire.AppendTag(b, 102, protowire.EndGroupType)
}

func TestDecodeRefuses(t *testing.T) {
	named := func(names ...string) *repb.Directory {
		m := &repb.Directory{}
		for _, name := range names {
			m.Files = append(m.Files, &repb.FileNode{Name: name, Digest: reDigest(0)})
		}
		return m
	}
	digest := func(d *repb.Digest) *repb.Directory {
		return &repb.Directory{Files: []*repb.FileNode{{Name: "f", Digest: d}}}
	}
	mtime := func(sec int64, nsec int32) *repb.Directory {
		return &repb.Directory{NodeProperties: &repb.NodeProperties{Mtime: &timestamppb.Timestamp{Seconds: sec, Nanos: nsec}}}
	}
	link := func(target string) *repb.Directory {
		return &repb.Directory{Symlinks: []*repb.SymlinkNode{{Name: "l", Target: target}}}
	}
	both := named("a")
	both.Directories = []*repb.DirectoryNode{{Name: "a", Digest: reDigest(0)}}
	linkAndFile := named("a")
	linkAndFile.Symlinks = []*repb.SymlinkNode{{Name: "a", Target: "b"}}
	for _, c := range []struct {
		name string
		in   *repb.Directory
		want string
	}{
		{"no name", named(""), "no name"},
		{"symlink without a name", &repb.Directory{Symlinks: []*repb.SymlinkNode{{Target: "t"}}}, "name is empty"},
		{"dot", named("."), `name is "."`},
		{"dot dot", named(".."), `name is ".."`},
		{"slash", named("a/b"), "slash"},
		{"NUL", named("a\x00"), "NUL"},
		{"name of 256 bytes", named(strings.Repeat("x", 256)), "256 bytes"},
		{"needless escape", named("\uEFC3\uEFA9"), "needs no escape"},
		{"not sorted", named("b", "a"), "not sorted"},
		{"duplicate file", named("a", "a"), `two entries are named "a"`},
		{"file and directory", both, `two entries are named "a"`},
		{"file and symlink", linkAndFile, `two entries are named "a"`},
		{"no digest", digest(nil), "hex digits"},
		{"short digest", digest(&repb.Digest{Hash: "abc"}), "hex digits"},
		{"upper-case digest", digest(&repb.Digest{Hash: strings.Repeat("A", 64)}), "lower-case hex"},
		{"digest not hex", digest(&repb.Digest{Hash: strings.Repeat("x", 64)}), "lower-case hex"},
		{"negative size", digest(reDigest(-1)), "negative"},
		{"no target", link(""), "target is empty"},
		{"NUL in target", link("a\x00"), "target contains a NUL"},
		{"target too long", link(strings.Repeat("x", 4096)), "4096 bytes"},
		{"negative nanoseconds", mtime(0, -1), "nanoseconds"},
		{"too many nanoseconds", mtime(0, 1e9), "nanoseconds"},
		{"mtime before year 1", mtime(minSeconds-1, 0), "years"},
		{"mtime after year 9999", mtime(maxSeconds+1, 0), "years"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode(marshal(t, c.in), cas.SHA256)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestDecodeRefusesDamagedWire(t *testing.T) {
	whole := sampleDirectories()["every kind"].Encode()
	ends := map[int]bool{0: true}
	for rest := whole; len(rest) > 0; {
		_, _, n, err := nextField(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
		ends[len(whole)-len(rest)] = true
	}
	for n := range whole {
		if _, err := Decode(whole[:n], cas.SHA256); (err == nil) != ends[n] {
			t.Errorf("first %d of %d bytes: %v", n, len(whole), err)
		}
	}
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"file is a varint", []byte{dirFiles << 3, 1}},
		{"properties are a varint", []byte{dirProps << 3, 1}},
		{"length beyond the end", []byte{dirFiles<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f}},
		{"name not UTF-8", bytes.Replace(whole, []byte("\n\x01b\x12"), []byte("\n\x01\xff\x12"), 1)},
		{"field number 0", []byte{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d, err := Decode(c.in, cas.SHA256); err == nil {
				t.Errorf("got %+v, want an error", d)
			}
		})
	}
}

func TestDecodeMillionEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second and 250 MB")
	}
	const count = 1_000_000
	d := &Directory{Mode: 0o755, Entries: make([]Entry, count)}
	for i := range d.Entries {
		d.Entries[i] = Entry{Name: fmt.Sprintf("input-%07d.txt", i), Kind: Kind(i % 3), Digest: digestA, Size: 5, Mode: 0o644}
		if d.Entries[i].Kind == Symlink {
			d.Entries[i].Target = "t"
		}
	}
	b := d.Encode()
	allocs := testing.AllocsPerRun(1, func() {
		got, err := Decode(b, cas.SHA256)
		if err != nil || len(got.Entries) != count {
			t.Fatal(err)
		}
	})
	if allocs > 100 {
		t.Errorf("%v allocations for one directory, want a handful", allocs)
	}
}

func FuzzDecodeDirectory(f *testing.F) {
	for _, d := range sampleDirectories() {
		f.Add(d.Encode())
	}
	f.Add(unknownFields())
	f.Add([]byte{dirFiles<<3 | 2, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Decode(b, cas.SHA256)
		if err != nil {
			return
		}
		again, err := Decode(d.Encode(), cas.SHA256)
		if err != nil {
			t.Fatalf("what Decode took, Encode wrote and Decode refused: %v", err)
		}
		if !reflect.DeepEqual(d, again) {
			t.Fatalf("changed by a round trip:\n%+v\n%+v", d, again)
		}
	})
}
