package tree

import (
	"fmt"
	"slices"

	"github.com/casview/casview/cas"
)

// Kind is the type of an entry.
type Kind uint8

// The kinds that a tree can hold.
const (
	File Kind = iota
	Dir
	Symlink
)

// String is the kind's name in manifests: "file", "dir" or "symlink".
func (k Kind) String() string {
	switch k {
	case File:
		return "file"
	case Dir:
		return "dir"
	case Symlink:
		return "symlink"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

const (
	modeMask       = 0o7777 // permission bits with setuid, setgid and sticky
	defaultMode    = 0o644
	executableMode = 0o755
	defaultDirMode = 0o755
	symlinkMode    = 0o777
	executableBits = 0o111
)

// Entry is one name in a Directory.
type Entry struct {
	Name   string // raw bytes
	Kind   Kind
	Digest cas.Digest // of a file's content, or of the child's Directory message
	Size   int64      // of what Digest names, in bytes
	Target string     // of a symlink, raw bytes

	// A Dir has none of these here: they are in the child's own message.
	Mode      uint32 // permission bits, 07777; 0777 for a symlink
	MtimeSec  int64
	MtimeNsec int32
}

// Directory is one decoded Directory message. It is a plain value: reading it
// from several goroutines is fine as long as nobody writes.
type Directory struct {
	Mode      uint32
	MtimeSec  int64
	MtimeNsec int32
	Entries   []Entry // files, dirs and symlinks in one order: by encoded name
}

// Find returns the index of the entry called name (raw bytes).
func (d *Directory) Find(name string) (int, bool) {
	return slices.BinarySearchFunc(d.Entries, name, func(e Entry, name string) int {
		return compareNames(e.Name, name)
	})
}
