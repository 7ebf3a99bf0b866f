package tree

import (
	"bytes"
	"testing"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/utf8name"
)

// toREAPI is the generated message for d, made without this package's codec.
func toREAPI(d *Directory) *repb.Directory {
	stamp := func(sec int64, nsec int32) *timestamppb.Timestamp {
		return &timestamppb.Timestamp{Seconds: sec, Nanos: nsec}
	}
	m := &repb.Directory{NodeProperties: &repb.NodeProperties{
		Mtime: stamp(d.MtimeSec, d.MtimeNsec), UnixMode: wrapperspb.UInt32(d.Mode),
	}}
	for _, e := range d.Entries {
		digest := &repb.Digest{Hash: e.Digest.Hex(), SizeBytes: e.Size}
		switch e.Kind {
		case File:
			m.Files = append(m.Files, &repb.FileNode{
				Name: utf8name.Encode(e.Name), Digest: digest, IsExecutable: e.Mode&0o111 != 0,
				NodeProperties: &repb.NodeProperties{Mtime: stamp(e.MtimeSec, e.MtimeNsec), UnixMode: wrapperspb.UInt32(e.Mode)},
			})
		case Dir:
			m.Directories = append(m.Directories, &repb.DirectoryNode{Name: utf8name.Encode(e.Name), Digest: digest})
		case Symlink:
			m.Symlinks = append(m.Symlinks, &repb.SymlinkNode{
				Name: utf8name.Encode(e.Name), Target: utf8name.Encode(e.Target),
				NodeProperties: &repb.NodeProperties{Mtime: stamp(e.MtimeSec, e.MtimeNsec)},
			})
		}
	}
	return m
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var digestA, digestB = cas.Sum(cas.SHA256, []byte("a")), cas.Sum(cas.SHA256, []byte("b"))

func sampleDirectories() map[string]*Directory {
	return map[string]*Directory{
		"empty":          {},
		"own properties": {Mode: 0o1777, MtimeSec: 1735689600, MtimeNsec: 999999999},
		"every kind": {Mode: 0o755, Entries: []Entry{
			{Name: "a", Kind: Symlink, Target: "../b", Mode: 0o777, MtimeSec: 5},
			{Name: "b", Kind: File, Digest: digestA, Size: 1, Mode: 0o644, MtimeSec: 1, MtimeNsec: 2},
			{Name: "c", Kind: Dir, Digest: digestB, Size: 1 << 20},
			{Name: "d", Kind: File, Digest: digestA, Size: 1, Mode: 0o4755, MtimeSec: -1},
			{Name: "e", Kind: Dir, Digest: digestB, Size: 0},
			{Name: "f", Kind: Symlink, Target: "/abs\xff", Mode: 0o777},
		}},
		"extremes": {Mode: 0, MtimeSec: minSeconds, Entries: []Entry{
			{Name: "big", Digest: digestA, Size: 1<<63 - 1, MtimeSec: maxSeconds, MtimeNsec: maxNanos},
			{Name: "empty", Digest: digestA, Mode: 0o7777},
		}},
		"names": {Mode: 0o755, Entries: []Entry{
			{Name: "\x01 \n\"", Digest: digestA},
			{Name: "a-b", Digest: digestA},
			{Name: "a.b", Kind: Dir, Digest: digestA},
			{Name: "a\xffb", Digest: digestA},
			{Name: "é", Digest: digestA},
			{Name: "\uEF79", Digest: digestA},
			{Name: "\x80", Digest: digestA},
			{Name: "\uEF80", Digest: digestA},
			{Name: "\xff", Digest: digestA},
			{Name: "\uF000", Digest: digestA},
			{Name: "\U0001F600", Digest: digestA},
		}},
	}
}

func TestEncodeEqualsRemoteAPIs(t *testing.T) {
	for name, d := range sampleDirectories() {
		t.Run(name, func(t *testing.T) {
			got, want := d.Encode(), marshal(t, toREAPI(d))
			if !bytes.Equal(got, want) {
				t.Errorf("Encode:\n got %q\nwant %q", got, want)
			}
			if len(got) != cap(got) {
				t.Errorf("Encode computed %d bytes for a message of %d", cap(got), len(got))
			}
		})
	}
}
