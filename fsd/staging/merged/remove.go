package merged

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
)

// Unlink implements UNLINK.
func (fs *FS) Unlink(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	fs.requests.Count(ops.Unlink)
	fs.names.Lock()
	defer fs.names.Unlock()
	return fs.status("unlink", fs.unlink(header.NodeId, name))
}

func (fs *FS) unlink(dirID uint64, name string) error {
	dir, o, err := fs.findIn(dirID, name)
	switch {
	case err != nil:
		return err
	case o.kind == unix.S_IFDIR:
		return unix.EISDIR
	}
	parent, err := fs.openParent(dir)
	if err != nil {
		return err
	}
	defer fs.handles.release(parent)
	lost, err := fs.losing(&o, link{dir.id, name})
	if err != nil {
		return err
	}
	_, below, err := fs.input(dir.lower, name)
	if err == nil {
		switch {
		case !below:
			err = unix.Unlinkat(parent.dirfd(), name, 0)
		case o.staged:
			err = fs.marks.ReplaceByWhiteout(parent.file, name)
		default:
			err = fs.marks.Whiteout(parent.file, name)
		}
	}
	lost(err == nil)
	if err == nil {
		dir.remove(name, below)
	}
	return err
}

// findIn returns what stands at a name that must exist. FS.names is held.
func (fs *FS) findIn(dirID uint64, name string) (*node, object, error) {
	dir := fs.nodes.get(dirID)
	if dir == nil {
		return nil, object{}, unix.ESTALE
	}
	o, found, err := fs.find(dir, name)
	if err == nil && !found {
		err = unix.ENOENT
	}
	return dir, o, err
}

// openParent stages a directory, since one of its names is about to change, and acquires its handle. FS.names is held
// exclusively.
func (fs *FS) openParent(dir *node) (*handle, error) {
	if err := fs.stage(dir); err != nil {
		return nil, err
	}
	return fs.open(dir)
}

// losing is called before o loses a name, and the function it returns after that, with whether it did. What has no name left
// stays open for as long as the kernel knows it.
func (fs *FS) losing(o *object, l link) (lost func(bool), err error) {
	n := fs.nodes.get(o.id)
	var d *handle
	if n != nil && o.staged {
		if d, err = fs.open(n); err != nil {
			return nil, err
		}
	}
	return func(did bool) {
		if did && o.kind != unix.S_IFDIR && o.attr.Nlink <= 1 {
			fs.nodes.setOrigin(inodeOf(&o.attr), 0)
			fs.lostLast(o)
		}
		if did && n != nil {
			fs.nodes.move(n, l, link{})
		}
		if d == nil {
			return
		}
		if did && len(fs.nodes.linksOf(n)) == 0 {
			fs.handles.pin(d)
		}
		fs.handles.release(d)
	}, nil
}

// Rmdir implements RMDIR.
func (fs *FS) Rmdir(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	fs.requests.Count(ops.Rmdir)
	fs.names.Lock()
	defer fs.names.Unlock()
	return fs.status("rmdir", fs.rmdir(header.NodeId, name))
}

func (fs *FS) rmdir(dirID uint64, name string) error {
	dir, o, err := fs.findIn(dirID, name)
	switch {
	case err != nil:
		return err
	case o.kind != unix.S_IFDIR:
		return unix.ENOTDIR
	}
	if err := fs.mustBeEmpty(dir, name, &o); err != nil {
		return err
	}
	parent, err := fs.openParent(dir)
	if err != nil {
		return err
	}
	defer fs.handles.release(parent)
	lost, err := fs.losing(&o, link{dir.id, name})
	if err != nil {
		return err
	}
	below, err := fs.takeAway(dir, parent, name, &o)
	lost(err == nil)
	if err == nil {
		dir.remove(name, below)
	}
	return err
}

// takeAway removes an empty directory. What is in its way, whiteouts, goes with it: it is moved to work first, since it may
// be anything but empty there. Until the whiteout is made an input directory of its name can be seen again in the staging
// tree; if the daemon dies then, the result says so.
func (fs *FS) takeAway(dir *node, parent *handle, name string, o *object) (below bool, err error) {
	if _, below, err = fs.input(dir.lower, name); err != nil {
		return false, err
	}
	aside := ""
	if o.staged {
		if aside, err = fs.moveAside(parent, name); err != nil {
			return below, err
		}
	}
	if below {
		if err = fs.marks.Whiteout(parent.file, name); err != nil {
			return below, fs.moveBack(parent, aside, name, err)
		}
	}
	if aside != "" {
		fs.removeTemp(aside)
	}
	return below, nil
}

// moveAside moves something from dir into work.
func (fs *FS) moveAside(dir *handle, name string) (temp string, err error) {
	temp = fs.tempName()
	return temp, unix.Renameat(dir.dirfd(), name, int(fs.work.Fd()), temp)
}

// moveBack takes moveAside back because of an error, which it returns. An empty temp is nothing to move.
func (fs *FS) moveBack(dir *handle, temp, name string, cause error) error {
	if temp != "" {
		if err := unix.Renameat(int(fs.work.Fd()), temp, dir.dirfd(), name); err != nil {
			fs.log.Error("lost in work", "name", name, "temp", temp, "cause", err)
		}
	}
	return cause
}

// mustBeEmpty is ENOTEMPTY for a directory in which the job sees anything. Looking for that is listing the input directory.
func (fs *FS) mustBeEmpty(dir *node, name string, o *object) error {
	gone, err := fs.whiteouts(dir, name, o)
	if err != nil || o.lower == 0 {
		return err
	}
	list, status := fs.lower.Inputs(o.lower)
	if !status.Ok() {
		return unix.Errno(status)
	}
	fs.lower.Listed(o.lower)
	for i := range list.Len() {
		if _, ok := gone[list.At(i).Name]; !ok {
			return unix.ENOTEMPTY
		}
	}
	return nil
}

// whiteouts returns the names of all whiteouts in the directory o; anything else there is ENOTEMPTY.
func (fs *FS) whiteouts(dir *node, name string, o *object) (map[string]struct{}, error) {
	if !o.staged {
		return nil, nil
	}
	parent, err := fs.open(dir)
	if err != nil {
		return nil, err
	}
	defer fs.handles.release(parent)
	d, err := openIn(parent.dirfd(), name, unix.S_IFDIR)
	if err != nil {
		return nil, err
	}
	defer d.close()
	gone := map[string]struct{}{}
	return gone, fs.eachStaged(d, func(s string, whiteout bool) error {
		if !whiteout {
			return unix.ENOTEMPTY
		}
		gone[s] = struct{}{}
		return nil
	})
}
