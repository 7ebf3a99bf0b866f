package collect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/casview/casview/cas/utf8name"
	"github.com/casview/casview/fsd/result"
)

// globs say which outputs are wanted; none means all.
type globs []string

func (g globs) check() error {
	for _, pattern := range g {
		if !doublestar.ValidatePattern(pattern) {
			return fmt.Errorf("outputs: %q is not a glob", pattern)
		}
	}
	return nil
}

func (g globs) match(path string) bool {
	return len(g) == 0 || slices.ContainsFunc(g, func(pattern string) bool {
		ok, err := doublestar.Match(pattern, path)
		return ok && err == nil
	})
}

// selected is what is left of the findings after the globs.
type selected struct {
	outputs    []output // in the order of the result, hardlinks resolved
	special    []special
	undeclared []string
}

// pick keeps the outputs that match and the directories that lead to them.
func (g globs) pick(f *findings) selected {
	var s selected
	leading := map[string]struct{}{}
	for _, o := range f.outputs {
		if !g.match(o.Path) {
			continue
		}
		for dir, _ := split(o.Path); dir != ""; dir, _ = split(dir) {
			if _, known := leading[dir]; known {
				break
			}
			leading[dir] = struct{}{}
		}
	}
	for _, o := range f.outputs {
		_, leads := leading[o.Path]
		if g.match(o.Path) || leads && o.Kind == result.Dir {
			s.outputs = append(s.outputs, o)
		} else {
			s.undeclared = append(s.undeclared, o.Path)
		}
	}
	for _, sp := range f.special {
		if g.match(sp.path) {
			s.special = append(s.special, sp)
		} else {
			s.undeclared = append(s.undeclared, sp.path)
		}
	}
	order(s.outputs)
	link(s.outputs)
	return s
}

// order sorts outputs the way the result does (see result.Files).
func order(outputs []output) {
	inOrder := func(a, b *output) int { return strings.Compare(utf8name.Encode(a.Path), utf8name.Encode(b.Path)) }
	for i := 1; i < len(outputs); i++ {
		if inOrder(&outputs[i-1], &outputs[i]) > 0 {
			slices.SortFunc(outputs, func(a, b output) int { return inOrder(&a, &b) })
			return
		}
	}
}

// link makes all names of one inode but the first hardlinks to the first. outputs are in order.
func link(outputs []output) {
	first := map[fileID]string{}
	for i := range outputs {
		o := &outputs[i]
		if o.Kind != result.File || !o.linked {
			continue
		}
		target, known := first[o.staged.id]
		if !known {
			first[o.staged.id] = o.Path
			continue
		}
		o.Kind, o.Target = result.Hardlink, target
	}
}
