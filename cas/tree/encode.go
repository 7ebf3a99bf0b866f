package tree

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/casview/casview/cas/utf8name"
)

// Field numbers of build.bazel.remote.execution.v2 and google.protobuf.
const (
	dirFiles       = 1
	dirDirectories = 2
	dirSymlinks    = 3
	dirProps       = 5

	nodeName       = 1 // of all three nodes
	nodeDigest     = 2 // FileNode and DirectoryNode
	fileExecutable = 4
	fileProps      = 6
	linkTarget     = 2
	linkProps      = 4

	digestHash = 1
	digestSize = 2

	propsMtime     = 2
	propsMode      = 3
	timestampSec   = 1
	timestampNanos = 2
	uint32Value    = 1
)

const (
	sizeTag = 1  // every field number above fits in a one-byte tag
	hexSize = 64 // of every digest
)

// Encode returns the canonical message: fields in order, each list sorted by
// name, mode and mtime always present. Equal directories are equal bytes. The
// entries must be valid and have different names; they need not be sorted.
func (d *Directory) Encode() []byte {
	entries := make([]*Entry, len(d.Entries))
	for i := range d.Entries {
		entries[i] = &d.Entries[i]
	}
	return encode(properties{mode: d.Mode, hasMode: true, sec: d.MtimeSec, nsec: d.MtimeNsec}, entries)
}

// encode may reorder entries. It computes the message's size first, so that a
// directory of a million entries is one allocation.
func encode(own properties, entries []*Entry) []byte {
	byName := func(a, b *Entry) int { return compareNames(a.Name, b.Name) }
	if !slices.IsSortedFunc(entries, byName) {
		slices.SortFunc(entries, byName)
	}
	b := make([]byte, 0, sizeMessage(own, entries))
	for _, list := range []struct {
		field protowire.Number
		kind  Kind
	}{{dirFiles, File}, {dirDirectories, Dir}, {dirSymlinks, Symlink}} {
		for _, e := range entries {
			if e.Kind == list.kind {
				b = appendHead(b, list.field, sizeNode(e))
				b = appendNode(b, e)
			}
		}
	}
	b = appendHead(b, dirProps, own.size())
	return own.append(b)
}

// sizeMessage is the length of the encoded Directory.
func sizeMessage(own properties, entries []*Entry) int {
	size := sizeField(own.size())
	for _, e := range entries {
		size += sizeField(sizeNode(e))
	}
	return size
}

func sizeNode(e *Entry) int {
	size := sizeField(sizeEncoded(e.Name))
	switch e.Kind {
	case File:
		size += sizeField(sizeDigest(e)) + sizeField(propertiesOf(e).size())
		if e.Mode&executableBits != 0 {
			size += sizeTag + 1
		}
	case Dir:
		size += sizeField(sizeDigest(e))
	case Symlink:
		size += sizeField(sizeEncoded(e.Target)) + sizeField(propertiesOf(e).size())
	}
	return size
}

func appendNode(b []byte, e *Entry) []byte {
	b = appendString(b, nodeName, utf8name.Encode(e.Name))
	switch e.Kind {
	case File:
		b = appendDigest(b, e)
		if e.Mode&executableBits != 0 {
			b = appendVarint(b, fileExecutable, 1)
		}
		p := propertiesOf(e)
		b = appendHead(b, fileProps, p.size())
		b = p.append(b)
	case Dir:
		b = appendDigest(b, e)
	case Symlink:
		b = appendString(b, linkTarget, utf8name.Encode(e.Target))
		p := propertiesOf(e)
		b = appendHead(b, linkProps, p.size())
		b = p.append(b)
	}
	return b
}

func sizeDigest(e *Entry) int {
	return sizeField(hexSize) + sizeVarint(uint64(e.Size))
}

func appendDigest(b []byte, e *Entry) []byte {
	b = appendHead(b, nodeDigest, sizeDigest(e))
	b = appendString(b, digestHash, e.Digest.Hex())
	return appendVarint(b, digestSize, uint64(e.Size))
}
