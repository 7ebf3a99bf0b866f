package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/staging/upper"
)

// walker goes through the staging tree. live says that the job may still be changing it.
type walker struct {
	root   *root
	in     *inputs
	xattrs upper.Xattrs
	live   bool
	seen   func(size int64) // told of each regular file; may be nil
	found  findings
}

// maxPath bounds memory: every directory of a chain of n bytes is listed by its whole path.
const maxPath = 32 << 10

// walk returns what is staged. The error is the context's, or that of the top directory; all others are findings.
func (w *walker) walk(ctx context.Context) (*findings, error) {
	w.found.made = map[string]struct{}{}
	top, err := w.root.dir("")
	if err != nil {
		return nil, err
	}
	in, err := w.in.load("", w.in.root)
	if err != nil {
		w.fail("", fmt.Errorf("inputs are not known, so changes to them are not either: %w", err))
	}
	l := &level{staged: top, id: idOfFile(top), lower: in, declared: in}
	// The top is always merged: all that its marks may tell is how whiteouts look.
	if l.marks, err = w.marks(top); err != nil {
		w.fail("", err)
	}
	return &w.found, w.dir(ctx, l)
}

// dir classifies the names in one directory, then goes below. Other things first: going below may close the directory.
func (w *walker) dir(ctx context.Context, l *level) error {
	defer l.close()
	if err := ctx.Err(); err != nil {
		return err
	}
	staged := map[string]struct{}{}
	var dirs []name
	err := w.names(l, func(n *name) {
		if !l.inPlace() {
			staged[n.string] = struct{}{}
		}
		whiteout, err := w.xattrs.IsWhiteout(l.staged, l.marks, n.string, &n.st)
		switch {
		case err != nil:
			w.vanished(join(l.path, n.string), err)
		case whiteout:
			w.gone(l, n.string)
		case n.st.Mode&unix.S_IFMT == unix.S_IFDIR:
			dirs = append(dirs, *n)
		default:
			w.object(l, n)
		}
	})
	if err != nil {
		w.fail(l.path, err)
	}
	if !l.inPlace() {
		if err := w.unstaged(ctx, l, staged); err != nil {
			return err
		}
	}
	for _, n := range dirs {
		if err := w.stagedDir(ctx, l, n); err != nil {
			return err
		}
	}
	return nil
}

// unstaged deals with names that are only in the input directories: what came along when the directory was renamed, and
// declared paths that are gone.
func (w *walker) unstaged(ctx context.Context, l *level, staged map[string]struct{}) error {
	for _, e := range l.lower.entries() {
		if _, ok := staged[e.Name]; ok {
			continue
		}
		if err := w.moved(ctx, l, e); err != nil {
			return err
		}
	}
	for _, e := range l.declared.entries() {
		_, isStaged := staged[e.Name]
		if _, isMoved := l.lower.entry(e.Name); !isStaged && !isMoved {
			w.gone(l, e.Name)
		}
	}
	return nil
}

// object is a staged name that is no directory.
func (w *walker) object(l *level, n *name) {
	path := join(l.path, n.string)
	if !w.fits(path) {
		return
	}
	w.replaced(l, n.string, path)
	switch n.st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if w.seen != nil {
			w.seen(n.st.Size)
		}
		w.found.outputs = append(w.found.outputs, stagedOutput(path, &n.st, result.File))
	case unix.S_IFLNK:
		o := stagedOutput(path, &n.st, result.Symlink)
		var err error
		if o.Target, err = w.readlink(l, n); err != nil {
			w.vanished(path, err)
			return
		}
		w.found.outputs = append(w.found.outputs, o)
	default:
		w.found.special = append(w.found.special, special{path: path, kind: specialKind(n.st.Mode)})
	}
}

// stagedDir is a staged directory: one the job made, an input directory in which something changed, or a renamed one.
func (w *walker) stagedDir(ctx context.Context, l *level, n name) error {
	c := &level{parent: l, path: join(l.path, n.string)}
	if !w.fits(c.path) {
		return nil
	}
	dir, err := w.handle(l)
	if err == nil {
		c.staged, err = openBelow(dir, n.string, unix.O_RDONLY|unix.O_DIRECTORY)
	}
	if err != nil {
		w.vanished(c.path, err)
		return nil
	}
	l.release()
	c.id = idOfFile(c.staged)
	if c.marks, err = w.marks(c.staged); err != nil {
		w.fail(c.path, err)
		c.marks.Opaque = true
	}
	w.merge(l, c, n.string)
	w.directory(c, l, n.string, stagedOutput(c.path, &n.st, result.Dir))
	return w.dir(ctx, c)
}

// marks reads a staged directory's marks. In a live view whiteouts may come after they were read, and the mark that
// says what they look like with them: there empty files are always looked at.
func (w *walker) marks(dir *os.File) (upper.Marks, error) {
	m, err := w.xattrs.Read(dir)
	m.XattrWhiteouts = m.XattrWhiteouts || w.live && !m.Opaque
	return m, err
}

// merge finds the input directories that a staged directory c, called name in l, is merged with and was declared as.
func (w *walker) merge(l, c *level, name string) {
	var err error
	if c.declared, err = w.in.sub(l.declared, name); err != nil {
		w.fail(c.path, err)
	}
	from, absolute := strings.CutPrefix(c.marks.Redirect, "/")
	switch err = nil; {
	case c.marks.Opaque:
	case absolute:
		c.lower, err = w.in.lookup(from)
	case from == "" && l.inPlace():
		c.lower = c.declared
	case from == "":
		c.lower, err = w.in.sub(l.lower, name)
	default:
		c.lower, err = w.in.sub(l.lower, from)
	}
	if err != nil {
		w.fail(c.path, err)
	}
}

// moved is an input that stands in l because l was renamed, not changed itself.
func (w *walker) moved(ctx context.Context, l *level, e tree.Entry) error {
	path := join(l.path, e.Name)
	if !w.fits(path) {
		return nil
	}
	if !w.lists(path) {
		return nil
	}
	if e.Kind != tree.Dir {
		w.replaced(l, e.Name, path)
		w.found.outputs = append(w.found.outputs, movedOutput(path, e))
		return nil
	}
	c := &level{parent: l, path: path}
	var err error
	if c.lower, err = w.in.load(join(l.lower.path, e.Name), e.Digest); err != nil {
		w.fail(path, err)
		return nil
	}
	if c.declared, err = w.in.sub(l.declared, e.Name); err != nil {
		w.fail(path, err)
	}
	w.directory(c, l, e.Name, output{Entry: result.Entry{
		Path: path, Kind: result.Dir, Mode: c.lower.Mode, MtimeSec: c.lower.MtimeSec, MtimeNsec: c.lower.MtimeNsec,
	}})
	return w.dir(ctx, c)
}

// directory lists c, called name in l, unless it is an input directory in its place with the mode it had.
func (w *walker) directory(c, l *level, name string, o output) {
	switch {
	case c.declared == nil:
		w.replaced(l, name, c.path)
	case c.declared.Mode != o.Mode:
		w.found.modified = append(w.found.modified, c.path)
	case c.inPlace():
		return
	}
	w.found.outputs = append(w.found.outputs, o)
}

// replaced notes what became of the declared path at which something else stands now.
func (w *walker) replaced(l *level, name, path string) {
	e, declared := l.declared.entry(name)
	if !declared {
		w.found.made[path] = struct{}{}
		return
	}
	w.found.modified = append(w.found.modified, path)
	w.goneBelow(path, e)
}

// gone notes a declared path, and all below it, that does not exist any more.
func (w *walker) gone(l *level, name string) {
	e, declared := l.declared.entry(name)
	if !declared {
		return
	}
	path := join(l.path, name)
	if !w.lists(path) {
		return
	}
	w.found.deleted = append(w.found.deleted, path)
	w.goneBelow(path, e)
}

func (w *walker) goneBelow(path string, e tree.Entry) {
	err := w.in.below(path, e, func(p string) { w.found.deleted = append(w.found.deleted, p) })
	if err != nil {
		w.fail(path, err)
	}
}

func (w *walker) fail(path string, err error) {
	w.found.problems = append(w.found.problems, problem{path: path, err: err})
}

// vanished is fail, except that in a live view names may go while one looks.
func (w *walker) vanished(path string, err error) {
	if w.live && errors.Is(err, fs.ErrNotExist) {
		return
	}
	w.fail(path, err)
}

// lists tells whether there is room for one more input in the lists of what is gone or moved. That there is none is
// said once.
func (w *walker) lists(path string) bool {
	err := w.in.list()
	if err != nil && w.in.listed == w.in.most+1 {
		w.fail(path, err)
	}
	return err == nil
}

func (w *walker) fits(path string) bool {
	if len(path) <= maxPath {
		return true
	}
	w.fail(path[:128]+"...", fmt.Errorf("a path of more than %d bytes is not collected", maxPath))
	return false
}
