// Package outputs owns the way back from a result to files: the order in which a run's outputs can be written anywhere.
package outputs

import (
	"fmt"
	"iter"

	"github.com/casview/casview/cas/materialize"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
)

// Items returns a result's outputs: hardlinks come last, after the names that they link to, and everything else parents
// first.
func Items(files result.Files) iter.Seq2[materialize.Item, error] {
	return func(yield func(materialize.Item, error) bool) {
		for _, linked := range []bool{false, true} {
			for _, e := range files {
				if (e.Kind == result.Hardlink) != linked {
					continue
				}
				item, err := item(e)
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// Bytes is the content of all outputs, each file counted once however many names it has.
func Bytes(files result.Files) int64 {
	var n int64
	for _, e := range files {
		if e.Kind == result.File {
			n += e.Size
		}
	}
	return n
}

func item(e result.Entry) (materialize.Item, error) {
	i := materialize.Item{Path: e.Path, Digest: e.Hash, Mode: e.Mode, MtimeSec: e.MtimeSec, MtimeNsec: e.MtimeNsec}
	switch e.Kind {
	case result.File:
		i.Kind = tree.File
	case result.Hardlink:
		i.Kind, i.HardlinkTo = tree.File, e.Target
	case result.Symlink:
		i.Kind, i.Target = tree.Symlink, e.Target
	case result.Dir:
		i.Kind = tree.Dir
	default:
		return i, fmt.Errorf("%q: unknown type %q", e.Path, e.Kind)
	}
	return i, nil
}
