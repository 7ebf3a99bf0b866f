package merged

import (
	"errors"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
)

// birth is something that is being made.
type birth struct {
	kind, mode uint32
	uid, gid   uint32
	// isLink says that it is there already, and has its owner and mode.
	isLink bool
	// make makes it under a name that does not exist. The handle is nil where nothing needs one.
	make func(dir int, name string) (*handle, error)
}

// Mknod implements MKNOD, which is also how regular files are made: see "Zero-message opens" in the package comment.
func (fs *FS) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	fs.requests.Count(ops.Mknod)
	kind := in.Mode & unix.S_IFMT
	b := birth{kind: kind, mode: in.Mode & permissions, uid: in.Uid, gid: in.Gid}
	switch kind {
	case unix.S_IFREG:
		b.make = func(dir int, name string) (*handle, error) { return createFile(dir, name, b.mode) }
	case unix.S_IFIFO, unix.S_IFSOCK:
		b.make = func(dir int, name string) (*handle, error) { return nil, unix.Mknodat(dir, name, in.Mode, 0) }
	default:
		// The view is mounted nodev, and 0:0 would be a whiteout.
		return fuse.EPERM
	}
	return fs.make(&in.InHeader, name, b, out)
}

func createFile(dir int, name string, mode uint32) (*handle, error) {
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NOATIME
	fd, err := unix.Openat(dir, name, flags, mode)
	if err != nil {
		return nil, err
	}
	return &handle{fd: fd}, nil
}

// Mkdir implements MKDIR.
func (fs *FS) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	fs.requests.Count(ops.Mkdir)
	return fs.make(&in.InHeader, name, birth{
		kind: unix.S_IFDIR, mode: in.Mode & permissions, uid: in.Uid, gid: in.Gid,
		make: func(dir int, name string) (*handle, error) {
			if err := unix.Mkdirat(dir, name, in.Mode&permissions); err != nil {
				return nil, err
			}
			return openIn(dir, name, unix.S_IFDIR)
		},
	}, out)
}

// Symlink implements SYMLINK.
func (fs *FS) Symlink(_ <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	fs.requests.Count(ops.Symlink)
	return fs.make(header, name, birth{
		kind: unix.S_IFLNK, mode: permissions, uid: header.Uid, gid: header.Gid,
		make: func(dir int, name string) (*handle, error) { return nil, unix.Symlinkat(target, dir, name) },
	}, out)
}

// make makes something and tells the kernel of it.
func (fs *FS) make(header *fuse.InHeader, name string, b birth, out *fuse.EntryOut) fuse.Status {
	fs.names.Lock()
	defer fs.names.Unlock()
	dir := fs.nodes.get(header.NodeId)
	if dir == nil {
		return fuse.Status(unix.ESTALE)
	}
	if err := fs.stage(dir); err != nil {
		return fs.status("copy up a directory", err)
	}
	parent, err := fs.open(dir)
	if err != nil {
		return fs.status("open a directory", err)
	}
	defer fs.handles.release(parent)
	o, d, err := fs.makeIn(dir, parent, name, b)
	if err != nil {
		return fs.status("make", err)
	}
	dir.put(name)
	n := fs.nodes.know(o, link{dir.id, name})
	if d != nil {
		fs.handles.release(fs.handles.add(n, d))
	}
	fs.answer(out, n, &o)
	return fuse.OK
}

// makeIn makes something in dir, in the place of a whiteout if there is one.
func (fs *FS) makeIn(dir *node, parent *handle, name string, b birth) (object, *handle, error) {
	if err := b.inherit(parent); err != nil {
		return object{}, nil, err
	}
	in, below, err := fs.input(dir.lower, name)
	if err != nil {
		return object{}, nil, err
	}
	if !below {
		return fs.bear(parent.dirfd(), name, b)
	}
	there, found, err := fs.stagedIn(dir, parent, name)
	if err != nil {
		return object{}, nil, err
	}
	if !found || there.id != 0 {
		return object{}, nil, unix.EEXIST
	}
	temp := fs.tempName()
	o, d, err := fs.bear(int(fs.work.Fd()), temp, b)
	if err != nil {
		return object{}, nil, err
	}
	if b.kind == unix.S_IFDIR && in.Kind == tree.Dir {
		err = fs.marks.SetOpaque(d.file)
	}
	if err == nil {
		err = fs.replaceWhiteout(parent, temp, name, b.kind)
	}
	if err != nil {
		if d != nil {
			d.close()
		}
		fs.removeTemp(temp)
		return object{}, nil, err
	}
	return o, d, nil
}

// replaceWhiteout puts what is called temp in work into the place of a whiteout.
func (fs *FS) replaceWhiteout(parent *handle, temp, name string, kind uint32) error {
	work := int(fs.work.Fd())
	if kind != unix.S_IFDIR {
		return unix.Renameat(work, temp, parent.dirfd(), name)
	}
	// A directory can't replace a file, but change places with one.
	err := unix.Renameat2(work, temp, parent.dirfd(), name, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) { // NFS can't do that
		if err := unix.Unlinkat(parent.dirfd(), name, 0); err != nil {
			return err
		}
		return unix.Renameat(work, temp, parent.dirfd(), name)
	}
	if err == nil {
		fs.removeTemp(temp)
	}
	return err
}

// inherit does what a setgid directory does to what is made in it. The staging tree's filesystem would do the same, but not
// for what is made in work.
func (b *birth) inherit(parent *handle) error {
	if b.isLink {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(parent.dirfd(), &st); err != nil {
		return err
	}
	if st.Mode&unix.S_ISGID != 0 {
		b.gid = st.Gid
		if b.kind == unix.S_IFDIR {
			b.mode |= unix.S_ISGID
		}
	}
	return nil
}

// bear makes something with its owner and mode.
func (fs *FS) bear(dir int, name string, b birth) (object, *handle, error) {
	d, err := b.make(dir, name)
	if err != nil {
		return object{}, nil, err
	}
	o := object{kind: b.kind, staged: true}
	if err := b.finish(dir, name, &o.attr); err != nil {
		if d != nil {
			d.close()
		}
		flags := 0
		if b.kind == unix.S_IFDIR {
			flags = unix.AT_REMOVEDIR
		}
		return object{}, nil, errors.Join(err, unix.Unlinkat(dir, name, flags))
	}
	o.id = fs.number(&o.attr)
	return o, d, nil
}

// finish corrects owner and mode where they differ: the maker is the daemon, and it has a umask.
func (b *birth) finish(dir int, name string, st *unix.Stat_t) error {
	if err := unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if b.isLink || st.Uid == b.uid && st.Gid == b.gid && st.Mode&permissions == b.mode {
		return nil
	}
	if err := unix.Fchownat(dir, name, int(b.uid), int(b.gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if b.kind != unix.S_IFLNK {
		if err := unix.Fchmodat(dir, name, b.mode, 0); err != nil {
			return err
		}
	}
	return unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW)
}

// Tmpfile implements TMPFILE: a file without a name, which LINK may give it.
func (fs *FS) Tmpfile(_ <-chan struct{}, in *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	fs.requests.Count(ops.Tmpfile)
	n, err := fs.makeNameless(in, &out.EntryOut)
	if err != nil {
		return fs.status("make a file without a name", err)
	}
	if fs.data == Passthrough {
		fs.opened(n, in.Flags, &out.OpenOut)
	}
	return fuse.OK
}

func (fs *FS) makeNameless(in *fuse.CreateIn, out *fuse.EntryOut) (*node, error) {
	fs.names.Lock()
	defer fs.names.Unlock()
	dir := fs.nodes.get(in.NodeId)
	if dir == nil {
		return nil, unix.ESTALE
	}
	o, d, err := fs.tmpfile(dir, in)
	if err != nil {
		return nil, err
	}
	d.pinned = true
	n := fs.nodes.know(o, link{})
	fs.handles.release(fs.handles.add(n, d))
	fs.answer(out, n, &o)
	return n, nil
}

func (fs *FS) tmpfile(dir *node, in *fuse.CreateIn) (object, *handle, error) {
	b := birth{kind: unix.S_IFREG, mode: in.Mode & permissions, uid: in.Uid, gid: in.Gid}
	if err := fs.inheritFrom(dir, &b); err != nil {
		return object{}, nil, err
	}
	fd, err := unix.Openat(int(fs.work.Fd()), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, b.mode)
	if err != nil {
		return object{}, nil, err
	}
	d := &handle{fd: fd}
	o := object{kind: b.kind, staged: true}
	err = d.chown(int(b.uid), int(b.gid))
	if err == nil {
		err = d.chmod(b.mode)
	}
	if err == nil {
		err = unix.Fstat(fd, &o.attr)
	}
	if err != nil {
		d.close()
		return object{}, nil, err
	}
	o.id = fs.number(&o.attr)
	return o, d, nil
}

// inheritFrom is birth.inherit for a directory that may not be staged.
func (fs *FS) inheritFrom(dir *node, b *birth) error {
	if !dir.staged.Load() {
		return nil // inputs have no other group than the job's, and making a nameless file changes no directory
	}
	parent, err := fs.open(dir)
	if err != nil {
		return err
	}
	defer fs.handles.release(parent)
	return b.inherit(parent)
}

// Link implements LINK.
func (fs *FS) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	fs.requests.Count(ops.Link)
	n := fs.nodes.get(in.Oldnodeid)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	return fs.status("link", fs.copying(func() error { return fs.link(n, in.NodeId, name, out) }))
}

// link gives n one more name. FS.names is held exclusively.
func (fs *FS) link(n *node, dirID uint64, name string, out *fuse.EntryOut) error {
	dir := fs.nodes.get(dirID)
	if dir == nil {
		return unix.ESTALE
	}
	if err := fs.stage(n); err != nil {
		return err
	}
	if err := fs.stage(dir); err != nil {
		return err
	}
	d, err := fs.open(n)
	if err != nil {
		return err
	}
	defer fs.handles.release(d)
	parent, err := fs.open(dir)
	if err != nil {
		return err
	}
	defer fs.handles.release(parent)
	o, _, err := fs.makeIn(dir, parent, name, birth{kind: n.kind, isLink: true, make: func(to int, name string) (*handle, error) {
		return nil, unix.Linkat(unix.AT_FDCWD, procPath(d.fd), to, name, unix.AT_SYMLINK_FOLLOW)
	}})
	if err != nil {
		return err
	}
	dir.put(name)
	fs.handles.unpin(d)
	fs.answer(out, fs.nodes.know(o, link{dir.id, name}), &o)
	return nil
}
