package materialize

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"runtime"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
)

// Item is one path to write.
type Item struct {
	Path       string // raw bytes; "" is the directory itself
	Kind       tree.Kind
	HardlinkTo string     // path of an earlier file of which this file is another name; "" if none
	Digest     cas.Digest // of a file, hard links included
	Target     string     // of a symlink
	Mode       uint32     // permission bits, 07777; not used for symlinks
	MtimeSec   int64
	MtimeNsec  int32
}

// Options says what to write and how. The zero value writes everything.
type Options struct {
	Only     []string                 // doublestar globs over paths; a path that none of them matches is left out
	Workers  int                      // files written at once; 0: one per CPU
	Progress func(files, bytes int64) // totals so far, called after every file and never concurrently; may be nil
}

// Stats says what was written.
type Stats struct {
	Files     int64 // without hard links
	Hardlinks int64
	Symlinks  int64
	Dirs      int64 // that did not exist
	Bytes     int64 // in Files
	Reflinked int64 // files that share blocks with the store
}

// Write writes items into dir, which is created if it is missing; the item of dir itself counts only then.
//
// Files and symlinks replace what has their name, unless that is a directory. A directory that is there is kept with what
// it holds, and gets the item's mode and mtime. Directories that no item names get mode 0755, or what their item says if
// Options.Only left it out. A hard link whose first name was left out becomes a file, and later ones its links.
//
// The content of every file is verified: cas.ErrCorrupt names the path, and that file does not appear. After an error
// what was written until then stays.
func Write(ctx context.Context, s cas.Reader, dir string, items iter.Seq2[Item, error], o Options) (Stats, error) {
	for _, glob := range o.Only {
		if !doublestar.ValidatePattern(glob) {
			return Stats{}, fmt.Errorf("materialize: bad glob %q", glob)
		}
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	w, err := newWriter(s, dir, o)
	if err != nil {
		return Stats{}, fmt.Errorf("materialize: %w", err)
	}
	defer w.close()
	if err := w.write(ctx, items); err != nil {
		return w.counts.get(), fmt.Errorf("materialize into %s: %w", dir, err)
	}
	return w.counts.get(), nil
}

// TreeItems gives what a tree holds, parents first, beginning with the root.
func TreeItems(s cas.Reader, root cas.Digest) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		err := tree.Walk(s, root, func(path string, e tree.Entry, dir *tree.Directory) error {
			item := Item{Path: path, Kind: e.Kind, Digest: e.Digest, Target: e.Target,
				Mode: e.Mode, MtimeSec: e.MtimeSec, MtimeNsec: e.MtimeNsec}
			if e.Kind == tree.Dir {
				item.Digest = cas.Digest{}
				item.Mode, item.MtimeSec, item.MtimeNsec = dir.Mode, dir.MtimeSec, dir.MtimeNsec
			}
			if !yield(item, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Item{}, err)
		}
	}
}

// matches reports whether path is to be written.
func (o Options) matches(path string) bool {
	if len(o.Only) == 0 {
		return true
	}
	for _, glob := range o.Only {
		if doublestar.MatchUnvalidated(glob, path) {
			return true
		}
	}
	return false
}
