package merged

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// wholeFile is the size to copy up that leaves nothing out.
const wholeFile = -1

// openStaged acquires the handle of n, which it copies up before if need be. Of a file's content no more than size bytes
// are needed. FS.names is not held.
func (fs *FS) openStaged(n *node, size int64) (*handle, error) {
	if !n.staged.Load() {
		if err := fs.copyUp(n, size); err != nil {
			return nil, err
		}
	}
	if d := fs.handles.acquire(n); d != nil {
		return d, nil
	}
	fs.names.RLock()
	defer fs.names.RUnlock()
	return fs.open(n)
}

// copyUp puts an input into the staging tree. FS.names is not held: copying a file may take long.
func (fs *FS) copyUp(n *node, size int64) error {
	if n.kind == unix.S_IFREG {
		return fs.copyUpFile(n, size)
	}
	fs.names.Lock()
	defer fs.names.Unlock()
	return fs.stage(n)
}

// copyUpFile copies in work and then puts the whole file in its place, as overlayfs does: nobody who looks into the staging
// tree finds half of one.
func (fs *FS) copyUpFile(n *node, size int64) error {
	n.copying.Lock()
	defer n.copying.Unlock()
	if n.staged.Load() {
		return nil
	}
	var attr fuse.Attr
	if status := fs.lower.Attr(n.lower, &attr); !status.Ok() {
		return unix.Errno(status)
	}
	temp, d, err := fs.tempFile(0o600)
	if err != nil {
		return err
	}
	if err = fs.copyContent(d, n.lower, &attr, size); err == nil {
		err = d.like(&attr)
	}
	if err == nil {
		fs.names.Lock()
		defer fs.names.Unlock()
		err = fs.put(n, d, temp)
	}
	if err != nil {
		d.close()
		fs.removeTemp(temp)
		return err
	}
	fs.handles.release(fs.handles.add(n, d))
	return nil
}

// copyContent copies at most size bytes of an input.
func (fs *FS) copyContent(to *handle, id uint64, attr *fuse.Attr, size int64) error {
	if size < 0 || size > int64(attr.Size) {
		size = int64(attr.Size)
	}
	if size == 0 {
		return nil
	}
	from, status := fs.lower.Content(id)
	if !status.Ok() {
		return unix.Errno(status)
	}
	defer from.Close()
	f, err := to.dup()
	if err != nil {
		return err
	}
	defer f.Close()
	// By copy_file_range(2), which shares the extents where the filesystem can.
	n, err := io.CopyN(f, from, size)
	if err == io.EOF {
		fs.lower.Failed(id, fmt.Errorf("the blob ends at byte %d", n))
		return unix.EIO
	}
	return err
}

// dup returns a regular file's descriptor once more, with the same offset.
func (d *handle) dup() (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(d.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "staged"), nil
}

// like gives a new object the owner, mode and times of an input. The owner comes first, since changing it clears mode bits.
func (d *handle) like(attr *fuse.Attr) error {
	if err := d.chown(int(attr.Uid), int(attr.Gid)); err != nil {
		return err
	}
	if attr.Mode&unix.S_IFMT != unix.S_IFLNK {
		if err := d.chmod(attr.Mode & permissions); err != nil {
			return err
		}
	}
	mtime := unix.Timespec{Sec: int64(attr.Mtime), Nsec: int64(attr.Mtimensec)}
	return d.setTimes([]unix.Timespec{mtime, mtime})
}

// put gives the copy of n in work the place of n. If n has lost its last name meanwhile, the copy has none either. FS.names
// is held exclusively.
func (fs *FS) put(n *node, d *handle, temp string) error {
	var st unix.Stat_t
	if err := unix.Fstat(d.dirfd(), &st); err != nil {
		return err
	}
	if len(fs.nodes.linksOf(n)) == 0 {
		fs.removeTemp(temp)
		d.pinned = true
	} else {
		dir, name := fs.nodes.parent(n)
		if dir == nil {
			return unix.ESTALE
		}
		if err := fs.putIn(dir, temp, name); err != nil {
			return err
		}
	}
	fs.nodes.setOrigin(inodeOf(&st), n.id)
	fs.losses.staged(n.id, inodeOf(&st))
	n.staged.Store(true)
	return nil
}

// putIn moves what is called temp in work into dir, which keeps its times: to the job nothing has changed.
func (fs *FS) putIn(dir *node, temp, name string) error {
	if err := fs.stage(dir); err != nil {
		return err
	}
	parent, err := fs.open(dir)
	if err != nil {
		return err
	}
	defer fs.handles.release(parent)
	return parent.keepingTimes(func() error {
		if err := unix.Renameat(int(fs.work.Fd()), temp, parent.dirfd(), name); err != nil {
			return err
		}
		dir.put(name)
		return nil
	})
}

// keepingTimes does something in a directory or to a file and sets its times back.
func (d *handle) keepingTimes(change func() error) error {
	var st unix.Stat_t
	if err := unix.Fstat(d.dirfd(), &st); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return d.setTimes([]unix.Timespec{{Nsec: unix.UTIME_OMIT}, st.Mtim})
}

// stage puts an input that is no file into the staging tree, and the directories on the way to it. For a file that is not
// there it is needsCopy. FS.names is held exclusively.
func (fs *FS) stage(n *node) error {
	if n.staged.Load() {
		return nil
	}
	if n.kind == unix.S_IFREG {
		return needsCopy{n}
	}
	var attr fuse.Attr
	if status := fs.lower.Attr(n.lower, &attr); !status.Ok() {
		return unix.Errno(status)
	}
	temp := fs.tempName()
	d, err := fs.stageIn(n, temp)
	if err != nil {
		return err
	}
	if err = d.like(&attr); err == nil {
		err = fs.put(n, d, temp)
	}
	if err != nil {
		d.close()
		fs.removeTemp(temp)
		return err
	}
	fs.handles.release(fs.handles.add(n, d))
	return nil
}

func (fs *FS) stageIn(n *node, temp string) (*handle, error) {
	work := int(fs.work.Fd())
	var err error
	if n.kind == unix.S_IFDIR {
		err = unix.Mkdirat(work, temp, 0o700)
	} else {
		var target []byte
		var status fuse.Status
		if target, status = fs.readInputLink(&fuse.InHeader{}, n); !status.Ok() {
			return nil, unix.Errno(status)
		}
		err = unix.Symlinkat(string(target), work, temp)
	}
	if err != nil {
		return nil, err
	}
	d, err := openIn(work, temp, n.kind)
	if err != nil {
		fs.removeTemp(temp)
	}
	return d, err
}

// needsCopy says that a file has to be copied up before something can be done, which would take too long under FS.names.
type needsCopy struct{ n *node }

func (e needsCopy) Error() string { return "the file is not copied up yet" }

// copying does what may need files to be copied up, with FS.names held exclusively.
func (fs *FS) copying(do func() error) error {
	for {
		fs.names.Lock()
		err := do()
		fs.names.Unlock()
		need, ok := err.(needsCopy)
		if !ok {
			return err
		}
		if err := fs.copyUpFile(need.n, wholeFile); err != nil {
			return err
		}
	}
}

func (fs *FS) tempName() string { return strconv.FormatUint(fs.temps.Add(1), 10) }

// tempFile makes an empty file in work.
func (fs *FS) tempFile(mode uint32) (string, *handle, error) {
	name := fs.tempName()
	d, err := createFile(int(fs.work.Fd()), name, mode)
	return name, d, err
}

// removeTemp removes what is left in work. What can't be removed goes with the staging tree.
func (fs *FS) removeTemp(name string) {
	work := int(fs.work.Fd())
	err := unix.Unlinkat(work, name, 0)
	if err == unix.EISDIR || err == unix.EPERM {
		fs.emptyTemp(name)
		err = unix.Unlinkat(work, name, unix.AT_REMOVEDIR)
	}
	if err != nil && err != unix.ENOENT {
		fs.log.Warn("left in work", "name", name, "cause", err)
	}
}

// emptyTemp removes the whiteouts from a directory in work that was empty to the job.
func (fs *FS) emptyTemp(name string) {
	d, err := openIn(int(fs.work.Fd()), name, unix.S_IFDIR)
	if err != nil {
		return
	}
	defer d.close()
	list, _ := d.file.Readdirnames(-1)
	for _, w := range list {
		_ = unix.Unlinkat(d.dirfd(), w, 0) // what stays is told by removeTemp
	}
}

func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
