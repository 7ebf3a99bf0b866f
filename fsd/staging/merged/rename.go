package merged

import (
	"errors"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
)

// Rename implements RENAME and RENAME2.
func (fs *FS) Rename(_ <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	fs.requests.Count(ops.Rename)
	if len(newName) > maxName {
		return fuse.Status(unix.ENAMETOOLONG)
	}
	r := renaming{fs: fs, flags: in.Flags, oldName: oldName, newName: newName}
	return fs.status("rename", fs.copying(func() error { return r.run(in.NodeId, in.Newdir) }))
}

// renaming is one RENAME.
type renaming struct {
	fs               *FS
	flags            uint32
	oldName, newName string

	from, to       *node
	fromDir, toDir *handle
	what           object // at the old name
	there          object // at the new one, if exists
	exists         bool
}

// run finds out what is where. FS.names is held exclusively.
func (r *renaming) run(from, to uint64) (err error) {
	fs := r.fs
	if r.flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 {
		return unix.EINVAL
	}
	if r.from, r.what, err = fs.findIn(from, r.oldName); err != nil {
		return err
	}
	r.to, r.there, err = fs.findIn(to, r.newName)
	r.exists = err == nil
	switch {
	case r.exists && r.flags&unix.RENAME_NOREPLACE != 0:
		return unix.EEXIST
	case errors.Is(err, unix.ENOENT) && r.flags&unix.RENAME_EXCHANGE == 0:
	case err != nil:
		return err
	}
	if r.fromDir, err = fs.openParent(r.from); err != nil {
		return err
	}
	defer fs.handles.release(r.fromDir)
	if r.toDir, err = fs.openParent(r.to); err != nil {
		return err
	}
	defer fs.handles.release(r.toDir)
	if err := r.prepare(&r.what, r.to, r.newName); err != nil {
		return err
	}
	if r.flags&unix.RENAME_EXCHANGE != 0 {
		return r.exchange()
	}
	return r.replace()
}

// prepare stages what is going to stand at name in dir, and marks a directory so that it is there what it was before: an
// input directory by where it comes from, another one as opaque where it would be merged with an input directory.
func (r *renaming) prepare(o *object, dir *node, name string) error {
	fs := r.fs
	n := fs.nodes.get(o.id)
	if n == nil {
		return unix.ESTALE
	}
	if err := fs.stage(n); err != nil {
		return err
	}
	if !o.staged {
		st, err := fs.stat(n)
		if err != nil {
			return err
		}
		o.staged, o.attr = true, st
	}
	if o.kind != unix.S_IFDIR {
		return nil
	}
	in, below, err := fs.input(dir.lower, name)
	if err != nil {
		return err
	}
	d, err := fs.open(n)
	if err != nil {
		return err
	}
	defer fs.handles.release(d)
	if o.lower == 0 {
		if below && in.Kind == tree.Dir {
			return fs.marks.SetOpaque(d.file)
		}
		return nil
	}
	path, status := fs.lower.Path(o.lower)
	if !status.Ok() {
		return unix.Errno(status)
	}
	return crossDevice(fs.marks.SetRedirect(d.file, "/"+path))
}

// crossDevice turns the errors of a redirect that does not fit into an attribute into the one that makes tools copy.
func crossDevice(err error) error {
	for _, full := range []unix.Errno{unix.ENOSPC, unix.E2BIG, unix.ERANGE} {
		if errors.Is(err, full) {
			return unix.EXDEV
		}
	}
	return err
}

// exchange lets two names change places.
func (r *renaming) exchange() error {
	if err := r.prepare(&r.there, r.from, r.oldName); err != nil {
		return err
	}
	err := unix.Renameat2(r.fromDir.dirfd(), r.oldName, r.toDir.dirfd(), r.newName, unix.RENAME_EXCHANGE)
	if err != nil {
		return err
	}
	r.moved(&r.what, r.oldLink(), r.newLink())
	r.moved(&r.there, r.newLink(), r.oldLink())
	r.from.put(r.oldName)
	r.to.put(r.newName)
	return nil
}

func (r *renaming) oldLink() link { return link{r.from.id, r.oldName} }
func (r *renaming) newLink() link { return link{r.to.id, r.newName} }

func (r *renaming) moved(o *object, from, to link) {
	if n := r.fs.nodes.get(o.id); n != nil {
		r.fs.nodes.move(n, from, to)
	}
}

// replace gives the new name to what has the old one. What stood at the new name is gone.
func (r *renaming) replace() error {
	fs := r.fs
	lost := func(bool) {}
	if r.exists {
		if err := r.mayReplace(); err != nil {
			return err
		}
		var err error
		if lost, err = fs.losing(&r.there, r.newLink()); err != nil {
			return err
		}
	}
	below, err := r.move()
	lost(err == nil)
	if err != nil {
		return err
	}
	r.moved(&r.what, r.oldLink(), r.newLink())
	r.from.remove(r.oldName, below)
	r.to.put(r.newName)
	return nil
}

func (r *renaming) mayReplace() error {
	isDir, thereIsDir := r.what.kind == unix.S_IFDIR, r.there.kind == unix.S_IFDIR
	switch {
	case isDir && !thereIsDir:
		return unix.ENOTDIR
	case !isDir && thereIsDir:
		return unix.EISDIR
	case isDir:
		return r.fs.mustBeEmpty(r.to, r.newName, &r.there)
	}
	return nil
}

// move renames in the staging tree and tells whether there is an input of the old name, which has a whiteout now. A
// directory can't replace a whiteout, nor one with whiteouts in it: that is moved out of the way first. If the daemon dies
// between the steps, the result says so.
func (r *renaming) move() (below bool, err error) {
	fs := r.fs
	if _, below, err = fs.input(r.from.lower, r.oldName); err != nil {
		return false, err
	}
	aside := ""
	if r.what.kind == unix.S_IFDIR {
		aside, err = fs.moveAside(r.toDir, r.newName)
		if errors.Is(err, unix.ENOENT) {
			aside, err = "", nil
		}
		if err != nil {
			return below, err
		}
	}
	if err := unix.Renameat(r.fromDir.dirfd(), r.oldName, r.toDir.dirfd(), r.newName); err != nil {
		return below, fs.moveBack(r.toDir, aside, r.newName, err)
	}
	if below {
		if err := fs.marks.Whiteout(r.fromDir.file, r.oldName); err != nil {
			if back := unix.Renameat(r.toDir.dirfd(), r.newName, r.fromDir.dirfd(), r.oldName); back != nil {
				return below, errors.Join(err, back)
			}
			return below, fs.moveBack(r.toDir, aside, r.newName, err)
		}
	}
	if aside != "" {
		fs.removeTemp(aside)
	}
	return below, nil
}
