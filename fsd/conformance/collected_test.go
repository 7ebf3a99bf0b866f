package conformance

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
)

// checkResult says in what a result does not describe the tree that a job has left: the inputs, without the deleted
// ones, with the outputs put over them, are exactly that tree. numbered says that the names of one inode have one number.
func checkResult(left []node, in inputs, r *result.Result, numbered bool) string {
	c := &resultCheck{left: map[string]*node{}, in: in, r: r, modified: asSet(r.ModifiedInputs), deleted: asSet(r.DeletedInputs)}
	for i := range left[1:] {
		c.left[left[i+1].Path] = &left[i+1]
	}
	c.declared = in.declared()
	c.skipped()
	c.inputs()
	c.outputs()
	if numbered {
		c.links()
	}
	return strings.Join(c.wrong, "\n")
}

type resultCheck struct {
	left              map[string]*node
	in                inputs
	declared          map[string]tree.Entry
	r                 *result.Result
	modified, deleted map[string]bool
	wrong             []string
}

func (c *resultCheck) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func asSet(paths []result.Path) map[string]bool {
	set := map[string]bool{}
	for _, p := range paths {
		set[string(p)] = true
	}
	return set
}

// declared are all input paths with what is declared of them, their parents among them. A file's digest is its content's.
func (in inputs) declared() map[string]tree.Entry {
	all := map[string]tree.Entry{}
	for path, one := range in {
		e := one.entry()
		if e.Kind == tree.File {
			e.Digest = cas.Sum(cas.SHA256, []byte(one.content))
		}
		all[path] = e
		for at := path; strings.Contains(at, "/"); {
			at = parent(at)
			if _, ok := in[at]; !ok {
				all[at] = tree.Entry{Kind: tree.Dir, Mode: 0o755}
			}
		}
	}
	delete(all, "")
	return all
}

// skipped are the special files, and no others.
func (c *resultCheck) skipped() {
	listed := map[string]bool{}
	for _, s := range c.r.Skipped {
		listed[string(s.Path)] = true
		if n := c.left[string(s.Path)]; n == nil || !special(n) {
			c.say("%q is skipped and no special file", s.Path)
		}
	}
	for path, n := range c.left {
		if special(n) && !listed[path] {
			c.say("%q is a special file and not skipped", path)
		}
	}
}

func special(n *node) bool {
	return !slices.Contains([]uint32{unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK}, n.kind())
}

// inputs are deleted, or there; and modified ones were declared.
func (c *resultCheck) inputs() {
	for path := range c.declared {
		if _, there := c.left[path]; there == c.deleted[path] {
			c.say("%q: there %v, deleted_inputs says %v", path, there, c.deleted[path])
		}
	}
	for path := range c.deleted {
		if _, ok := c.declared[path]; !ok {
			c.say("%q is in deleted_inputs and was not declared", path)
		}
	}
	for path := range c.modified {
		if _, ok := c.declared[path]; !ok || c.deleted[path] {
			c.say("%q is in modified_inputs: declared %v, deleted %v", path, ok, c.deleted[path])
		}
	}
}

// outputs are whatever is not an input as it was.
func (c *resultCheck) outputs() {
	for path, n := range c.left {
		out, listed := c.r.HashedFiles.Find(path)
		in, declared := c.declared[path]
		switch {
		case special(n):
			if declared && !c.modified[path] {
				c.say("%q is special instead of an input, and not in modified_inputs", path)
			}
		case listed:
			if what := notAsListed(&out, n); what != "" {
				c.say("%q: %s is listed as %+v and is %s", path, what, out, n)
			}
			moved := out.Kind == result.Dir && in.Kind == tree.Dir && out.Mode == in.Mode
			if declared && !moved && !c.modified[path] {
				c.say("%q is an output and an input, and not in modified_inputs", path)
			}
		case !declared:
			c.say("%q is neither output nor input", path)
		case !n.isInput(in):
			c.say("%q is no output, and not the input it was: %s", path, n)
		case c.modified[path]:
			c.say("%q is in modified_inputs and is the input it was", path)
		}
	}
	for _, out := range c.r.HashedFiles {
		if c.left[out.Path] == nil {
			c.say("%q is an output and not there", out.Path)
		}
	}
}

// notAsListed says what an output is not as it is listed, or "".
func notAsListed(out *result.Entry, n *node) string {
	kinds := map[result.Kind]uint32{
		result.File: unix.S_IFREG, result.Hardlink: unix.S_IFREG, result.Dir: unix.S_IFDIR, result.Symlink: unix.S_IFLNK,
	}
	file := kinds[out.Kind] == unix.S_IFREG
	switch {
	case kinds[out.Kind] != n.kind():
		return "type"
	case out.Mode != n.Mode&0o7777:
		return "mode"
	case out.MtimeSec != n.Sec || uint32(out.MtimeNsec) != n.Nsec:
		return "mtime"
	case file && (out.Size != n.Size || out.Hash.Hex() != fmt.Sprintf("%x", n.Sum)):
		return "content"
	case out.Kind == result.Symlink && out.Target != n.Target:
		return "target"
	}
	return ""
}

// isInput says whether a path is as it was declared. The time of a directory need not be: a job that makes a file there
// and removes it has changed nothing.
func (n *node) isInput(in tree.Entry) bool {
	sameTime := n.Sec == in.MtimeSec && n.Nsec == uint32(in.MtimeNsec)
	switch in.Kind {
	case tree.File:
		return n.kind() == unix.S_IFREG && n.Mode&0o7777 == in.Mode && sameTime && in.Digest.Hex() == fmt.Sprintf("%x", n.Sum)
	case tree.Symlink:
		return n.kind() == unix.S_IFLNK && sameTime && n.Target == in.Target
	default:
		return n.kind() == unix.S_IFDIR && n.Mode&0o7777 == in.Mode
	}
}

// links of one inode are listed as one file, which is the first of its names, and hardlinks to that.
func (c *resultCheck) links() {
	first := map[uint64]string{}
	for _, out := range c.r.HashedFiles {
		n := c.left[out.Path]
		if n == nil || n.kind() != unix.S_IFREG {
			continue
		}
		target, known := first[n.Ino]
		switch {
		case !known && out.Kind != result.File:
			c.say("%q is listed as a hardlink to %q, and is the first name of its inode", out.Path, out.Target)
		case known && (out.Kind != result.Hardlink || out.Target != target):
			c.say("%q is another name of %q, and listed as a %s to %q", out.Path, target, out.Kind, out.Target)
		}
		if !known {
			first[n.Ino] = out.Path
		}
	}
}
