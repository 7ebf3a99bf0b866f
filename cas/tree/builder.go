package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/casview/casview/cas"
)

// Writer is what a Builder stores its directories in.
type Writer interface {
	cas.Writer
	Algorithm() cas.Algorithm
}

// Stats says what a tree holds.
type Stats struct {
	Files, Symlinks int64
	Dirs            int64 // without the root
	Bytes           int64 // in all files, each path counted
}

// Builder makes a tree of entries given in any order. It keeps all of them in
// memory, about 150 bytes and the name each. It must not be used concurrently.
type Builder struct {
	store Writer
	nodes nodes
	text  arena
	stats Stats

	// LargeSize is the size in bytes from which on Finish takes a file for large.
	LargeSize int64

	lastDir string // the directory used last: entries mostly come grouped
	lastID  nodeID
}

// NewBuilder returns a Builder of a tree that is empty but for its root.
func NewBuilder(s Writer) *Builder {
	return &Builder{store: s, LargeSize: LargeSize, nodes: newNodes(Entry{Kind: Dir, Mode: defaultDirMode})}
}

// conflict is an entry that another one excludes; it is fs.ErrExist.
type conflict string

func (c conflict) Error() string        { return string(c) }
func (c conflict) Is(target error) bool { return target == fs.ErrExist }

const (
	errDuplicate = conflict("duplicate path")
	errUsedAsDir = conflict("another entry uses the path as a directory")
)

// Add puts e at path. Missing parents are made with mode 0755 and mtime 0; a Dir
// entry for such a parent, and for the root (""), gives it e's mode and mtime.
// e's Name, what its kind has no use for, and a Dir's Digest and Size are ignored.
//
// A path that is already taken is fs.ErrExist, a file or symlink used as a
// directory ENOTDIR. A refused entry leaves the tree as it was.
func (b *Builder) Add(path string, e Entry) error {
	if err := b.add(path, e); err != nil {
		return fmt.Errorf("add %q: %w", path, err)
	}
	return nil
}

func (b *Builder) add(path string, e Entry) error {
	e, err := b.normal(e)
	if err != nil {
		return err
	}
	if path == "" {
		return b.replace(0, e)
	}
	if err := CheckPath(path); err != nil {
		return err
	}
	parentPath, name := split(path)
	parent, err := b.directory(parentPath)
	if err != nil {
		return err
	}
	if id := b.nodes.find(parent, name); id != 0 {
		return b.replace(id, e)
	}
	e.Name, e.Target = b.text.put(name), b.text.put(e.Target)
	id, err := b.insert(parent, e)
	if err != nil {
		return err
	}
	b.nodes.at(id).explicit = true
	return nil
}

// normal returns e reduced to what its kind has, after checking that.
func (b *Builder) normal(e Entry) (Entry, error) {
	n := Entry{Kind: e.Kind, Mode: e.Mode, MtimeSec: e.MtimeSec, MtimeNsec: e.MtimeNsec}
	if err := checkMtime(e.MtimeSec, e.MtimeNsec); err != nil {
		return n, err
	}
	switch e.Kind {
	case File:
		n.Digest, n.Size = e.Digest, e.Size
		switch a := b.store.Algorithm(); {
		case e.Digest.IsZero():
			return n, errors.New("a file needs a digest")
		case e.Digest.Algorithm() != a:
			return n, fmt.Errorf("hash %s is not %s, which the store uses", e.Digest, a)
		case e.Size < 0:
			return n, fmt.Errorf("size %d is negative", e.Size)
		}
	case Dir:
	case Symlink:
		n.Mode, n.Target = symlinkMode, e.Target
		return n, checkTarget(e.Target)
	default:
		return n, fmt.Errorf("unknown %s", e.Kind)
	}
	if e.Mode > modeMask {
		return n, errMode
	}
	return n, nil
}

// replace gives a directory that exists only as a parent the properties of e.
func (b *Builder) replace(id nodeID, e Entry) error {
	n := b.nodes.at(id)
	switch {
	case n.explicit:
		return errDuplicate
	case e.Kind != Dir:
		return errUsedAsDir
	}
	n.Mode, n.MtimeSec, n.MtimeNsec = e.Mode, e.MtimeSec, e.MtimeNsec
	n.explicit = true
	return nil
}

// directory returns the directory at path, making what is missing.
func (b *Builder) directory(path string) (nodeID, error) {
	var at nodeID
	switch path {
	case "":
		return at, nil
	case b.lastDir:
		return b.lastID, nil
	}
	end := 0
	for name := range strings.SplitSeq(path, "/") {
		end += len(name) + 1
		id := b.nodes.find(at, name)
		if id == 0 {
			var err error
			id, err = b.insert(at, Entry{Name: b.text.put(name), Kind: Dir, Mode: defaultDirMode})
			if err != nil {
				return 0, err
			}
		} else if kind := b.nodes.at(id).Kind; kind != Dir {
			return 0, fmt.Errorf("parent %q is a %s: %w", path[:end-1], kind, syscall.ENOTDIR)
		}
		at = id
	}
	b.lastDir, b.lastID = strings.Clone(path), at
	return at, nil
}

func (b *Builder) insert(parent nodeID, e Entry) (nodeID, error) {
	if b.nodes.count > math.MaxInt32 {
		return 0, fmt.Errorf("more than %d paths in one tree", math.MaxInt32)
	}
	switch e.Kind {
	case File:
		b.stats.Files++
		b.stats.Bytes += e.Size
	case Dir:
		b.stats.Dirs++
	case Symlink:
		b.stats.Symlinks++
	}
	return b.nodes.insert(parent, e), nil
}

// Finish stores all directories, children first, and returns the root's digest.
// It does not make them durable: that is the store's Sync. A store on this host
// also gets an index of large files (see Large), if it can be written.
func (b *Builder) Finish() (cas.Digest, Stats, error) {
	for _, level := range slices.Backward(b.levels()) {
		if err := b.putLevel(level); err != nil {
			return cas.Digest{}, Stats{}, err
		}
	}
	root := b.nodes.at(0).Digest
	if s, ok := b.store.(local); ok {
		_ = saveLarge(s, root, b.large(b.LargeSize)) // it only saves work
	}
	return root, b.stats, nil
}

// levels are the directories by how deep they are, the root first.
func (b *Builder) levels() [][]nodeID {
	var levels [][]nodeID
	depths := make([]uint32, b.nodes.count) // of directories
	for id := range b.nodes.count {
		n := b.nodes.at(nodeID(id))
		if n.Kind != Dir {
			continue
		}
		depth := uint32(0)
		if id > 0 {
			depth = depths[n.parent] + 1
		}
		depths[id] = depth
		if int(depth) == len(levels) {
			levels = append(levels, nil)
		}
		levels[depth] = append(levels[depth], nodeID(id))
	}
	return levels
}

// fewDirs are not worth a second worker.
const fewDirs = 8

// putLevel stores directories of which none is in another.
func (b *Builder) putLevel(level []nodeID) error {
	var group errgroup.Group
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), 1+len(level)/fewDirs) {
		group.Go(func() error {
			var children []*Entry
			for {
				i := int(next.Add(1)) - 1
				if i >= len(level) {
					return nil
				}
				n := b.nodes.at(level[i])
				children = children[:0]
				for c := n.first; c != 0; c = b.nodes.at(c).next {
					children = append(children, &b.nodes.at(c).Entry)
				}
				if err := b.putDirectory(&n.Entry, children); err != nil {
					return fmt.Errorf("store directory %q: %w", b.nodes.path(level[i]), err)
				}
			}
		})
	}
	return group.Wait()
}

// putDirectory stores the message of the directory d and sets d's digest and size.
func (b *Builder) putDirectory(d *Entry, children []*Entry) error {
	own := properties{mode: d.Mode, hasMode: true, sec: d.MtimeSec, nsec: d.MtimeNsec}
	if size := sizeMessage(own, children); size > maxMessage {
		return fmt.Errorf("%d entries take %d bytes, the limit is %d", len(children), size, maxMessage)
	}
	message := encode(own, children)
	digest, err := b.store.PutBytes(message)
	d.Digest, d.Size = digest, int64(len(message))
	return err
}
