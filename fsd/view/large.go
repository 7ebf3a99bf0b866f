package view

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
)

// Large is the content of a view's large files: see "Large files" in the package comment. It is a filesystem of its own, one
// directory with a file for each of them, that the kernel reads from the blobs by itself. As View, it is served by a
// fuse.Server.
type Large struct {
	*View // answers what is alike, and declines what it declines there

	server *fuse.Server
	files  []largeFile
}

// largeFile is one of them. Its name is its place in the list, and its node id follows from that.
type largeFile struct {
	tree.Large

	mu      sync.Mutex
	read    bool
	faulted bool
	opens   int
	backing int32 // the kernel's number of the blob, while there are opens
}

// Large returns the content of the large files, or nil if none are known.
func (v *View) Large() *Large {
	if len(v.options.Large) == 0 {
		return nil
	}
	l := &Large{View: v, files: make([]largeFile, len(v.options.Large))}
	for i, f := range v.options.Large {
		l.files[i].Large = f
	}
	return l
}

// Hide says whether the kernel is not to see the large files in the view, because they are in another layer. Nobody uses the
// view yet.
func (v *View) Hide(large bool) { v.hide = large }

// Stub is what stands in another layer for a large file.
type Stub struct {
	Path    string
	Attr    fuse.Attr // without an inode number
	Content string    // path of the file in Large, from its root
}

// Stubs returns what stands for the files.
func (l *Large) Stubs() []Stub {
	all := make([]Stub, len(l.files))
	for i := range l.files {
		f := &l.files[i]
		all[i] = Stub{Path: f.Path, Content: "/" + strconv.Itoa(i)}
		all[i].Attr.Mode, all[i].Attr.Size = unix.S_IFREG|f.Mode, uint64(f.Size)
		all[i].Attr.Owner = fuse.Owner{Uid: l.options.UID, Gid: l.options.GID}
		setTimes(&all[i].Attr, f.MtimeSec, f.MtimeNsec)
	}
	return all
}

// MountOptions returns what fuse.NewServer has to negotiate with the kernel.
func (l *Large) MountOptions() *fuse.MountOptions {
	o := l.View.MountOptions()
	o.DisabledCapabilities = 0
	return o
}

// Init implements fuse.RawFileSystem.
func (l *Large) Init(s *fuse.Server) { l.server = s }

// OnUnmount implements fuse.RawFileSystem. The blobs that are open for reading are the view's.
func (l *Large) OnUnmount() {}

// Try finds out whether the kernel takes blobs as backing files: that needs Linux 6.9, the host's CAP_SYS_ADMIN, and a store
// on a filesystem that is not itself stacked.
func (l *Large) Try() error {
	if offered := l.server.KernelSettings().Flags64()&fuse.CAP_PASSTHROUGH != 0; !offered {
		return errors.New("the kernel has no FUSE passthrough (Linux 6.9)")
	}
	f, err := l.store.Open(l.digest)
	if err != nil {
		return err
	}
	defer f.Close()
	id, err := l.register(f)
	if err == nil {
		l.unregister(id)
	}
	return err
}

// file returns the file with a node id.
func (l *Large) file(id uint64) (*largeFile, bool) {
	if id < uint64(firstID) || id-uint64(firstID) >= uint64(len(l.files)) {
		return nil, false
	}
	return &l.files[id-uint64(firstID)], true
}

// Lookup implements LOOKUP. Overlayfs asks for a name when the file is opened for the first time.
func (l *Large) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	l.requests.Count(ops.Lookup)
	i, err := strconv.ParseUint(name, 10, 32)
	if err != nil || i >= uint64(len(l.files)) || header.NodeId != uint64(rootID) {
		return fuse.ENOENT
	}
	out.NodeId = uint64(firstID) + i
	out.EntryValid, out.AttrValid = forever, forever
	return l.attr(&out.Attr, out.NodeId)
}

// GetAttr implements GETATTR.
func (l *Large) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	l.requests.Count(ops.Getattr)
	out.AttrValid = forever
	return l.attr(&out.Attr, in.NodeId)
}

// attr says what overlayfs needs to know; the job sees the stub's attributes.
func (l *Large) attr(out *fuse.Attr, id uint64) fuse.Status {
	*out = fuse.Attr{Ino: id, Mode: unix.S_IFDIR | 0o555, Nlink: 2, Blksize: blockSize}
	if id == uint64(rootID) {
		return fuse.OK
	}
	f, ok := l.file(id)
	if !ok {
		return fuse.ENOENT
	}
	out.Mode, out.Nlink, out.Size = unix.S_IFREG|0o444, 1, uint64(f.Size)
	out.Blocks = (out.Size + sectorSize - 1) / sectorSize
	return fuse.OK
}

// Open implements OPEN: the kernel reads and maps the blob. No READ will come, so opening is reading.
//
// An inode has one backing file as long as it is open. Whoever opens a file first may have to hash it; the others, and no one
// else, wait.
func (l *Large) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if in.Flags&unix.O_ACCMODE != unix.O_RDONLY {
		return l.refuse(ops.Open)
	}
	l.requests.Count(ops.Open)
	f, ok := l.file(in.NodeId)
	if !ok {
		return fuse.ENOENT
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opens == 0 {
		if err := l.back(f); err != nil {
			l.failed(f, err)
			return fuse.EIO
		}
	}
	if !f.read {
		f.read = true
		l.recorder.Read(f.Path)
	}
	f.opens++
	out.OpenFlags, out.BackingID = fuse.FOPEN_PASSTHROUGH|fuse.FOPEN_NOFLUSH, f.backing
	return fuse.OK
}

// back gives f its backing file, after the same checks as a READ makes.
func (l *Large) back(f *largeFile) error {
	blob, err := openBlobFile(l.store, f.Digest, f.Size, l.options.VerifyFirstRead && !f.read)
	if err != nil {
		return err
	}
	defer blob.Close()
	f.backing, err = l.register(blob)
	return err
}

// failed records, once for each file, that it could not be delivered.
func (l *Large) failed(f *largeFile, err error) {
	if f.faulted {
		return
	}
	f.faulted = true
	l.recorder.Fault(f.Path, f.Digest, err)
	l.log.Error("input can't be read", "path", f.Path, "digest", f.Digest.String(), "error", err)
}

// Release implements RELEASE.
func (l *Large) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	l.requests.Count(ops.Release)
	f, ok := l.file(in.NodeId)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opens--; f.opens == 0 {
		l.unregister(f.backing)
	}
}

// register makes an open blob a backing file. The kernel has a reference of its own to it.
func (l *Large) register(blob *os.File) (int32, error) {
	id, errno := l.server.RegisterBackingFd(&fuse.BackingMap{Fd: int32(blob.Fd())})
	if errno != 0 {
		return 0, fmt.Errorf("register the blob with the kernel: %w", errno)
	}
	return id, nil
}

func (l *Large) unregister(id int32) {
	if errno := l.server.UnregisterBackingFd(id); errno != 0 {
		l.log.Warn("unregister a blob with the kernel", "cause", errno)
	}
}

// ReadDir implements READDIR. Nobody lists the directory; the view's methods would take its node ids for their own.
func (l *Large) ReadDir(<-chan struct{}, *fuse.ReadIn, *fuse.DirEntryList) fuse.Status {
	return l.refuse(ops.Readdir)
}

// ReadDirPlus implements READDIRPLUS.
func (l *Large) ReadDirPlus(<-chan struct{}, *fuse.ReadIn, *fuse.DirEntryList) fuse.Status {
	return l.refuse(ops.Readdirplus)
}

// Read implements READ. The kernel reads by itself.
func (l *Large) Read(<-chan struct{}, *fuse.ReadIn, []byte) (fuse.ReadResult, fuse.Status) {
	return nil, l.refuse(ops.Read)
}

// Readlink implements READLINK.
func (l *Large) Readlink(<-chan struct{}, *fuse.InHeader) ([]byte, fuse.Status) {
	return nil, fuse.EINVAL
}

// largeDir is a directory that leads to large files. Its methods take nil for any other.
type largeDir struct {
	dirs  map[string]*largeDir
	files map[string]*tree.Large
}

// newLargeDirs returns the root, nil if there are no large files.
func newLargeDirs(files []tree.Large) *largeDir {
	if len(files) == 0 {
		return nil
	}
	root := newLargeDir()
	for i := range files {
		at, name := root, files[i].Path
		for {
			dir, rest, below := strings.Cut(name, "/")
			if !below {
				break
			}
			if at.dirs[dir] == nil {
				at.dirs[dir] = newLargeDir()
			}
			at, name = at.dirs[dir], rest
		}
		at.files[name] = &files[i]
	}
	return root
}

func newLargeDir() *largeDir {
	return &largeDir{dirs: map[string]*largeDir{}, files: map[string]*tree.Large{}}
}

func (l *largeDir) child(name string) *largeDir {
	if l == nil {
		return nil
	}
	return l.dirs[name]
}

// hides says whether entry i of d is in another layer. What the index says of it must be so: else it is shown, and then it is
// the view's that overlayfs takes.
func (v *View) hides(d *dir, i int) bool {
	if !v.hide || d.large == nil {
		return false
	}
	f := d.large.files[d.name(i)]
	e := &d.entries[i]
	return f != nil && e.kind == tree.File && e.digest == f.Digest && e.size == f.Size && uint32(e.mode) == f.Mode &&
		e.mtimeSec == f.MtimeSec && e.mtimeNsec == f.MtimeNsec
}
