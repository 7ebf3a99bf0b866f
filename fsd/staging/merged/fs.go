package merged

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/ops"
	"github.com/casview/casview/fsd/staging/upper"
	"github.com/casview/casview/fsd/view"
)

// FS is a read-write filesystem over a view and a staging tree. It is served by a fuse.Server, whose requests may come
// concurrently.
type FS struct {
	fuse.RawFileSystem // answers ENOSYS to what is not implemented

	lower    *view.View
	marks    upper.Writer
	work     *os.File
	device   uint64 // of the staging tree's directories
	data     Data
	rootless bool
	log      *slog.Logger
	requests ops.Counter
	server   *fuse.Server  // for Passthrough
	failed   atomic.Uint64 // registrations of backing files

	// names guards what is where: the links, places and marks of all nodes. Requests that use a place hold it shared, those
	// that change one exclusively.
	names   sync.RWMutex
	nodes   table
	handles handles
	losses  losses
	temps   atomic.Uint64 // names used in work
}

var _ fuse.RawFileSystem = (*FS)(nil)

// Layers are what a FS merges. Upper and Work are directories of one filesystem that nobody else uses, open for reading.
// Once New has succeeded they belong to the FS, which closes them after the last request.
type Layers struct {
	Lower       *view.View
	Upper, Work *os.File
	Marks       upper.Writer
	Data        Data
	// Rootless says that this process is root of a user namespace only: from what it writes to, the kernel takes setuid and
	// setgid bits away.
	Rootless bool
	Logger   *slog.Logger
}

// New returns a filesystem of the layers.
func New(l Layers) (*FS, error) {
	fs := &FS{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		lower:         l.Lower, marks: l.Marks, work: l.Work, data: l.Data, rootless: l.Rootless, log: l.Logger,
		handles: handles{most: idleLimit()},
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(l.Upper.Fd()), &st); err != nil {
		return nil, fmt.Errorf("fstat %s: %w", l.Upper.Name(), err)
	}
	fs.device = st.Dev
	root := &node{id: view.RootID, kind: unix.S_IFDIR, lower: view.RootID}
	root.staged.Store(true)
	fs.nodes.init(l.Lower, root)
	fs.handles.release(fs.handles.add(root, &handle{file: l.Upper, pinned: true}))
	return fs, nil
}

// MountOptions returns what fuse.NewServer has to negotiate with the kernel. The options of the mount itself are the
// mounter's.
func (fs *FS) MountOptions() *fuse.MountOptions {
	o := fs.lower.MountOptions()
	o.DisableXAttrs = false
	o.ExtraCapabilities = fuse.CAP_HANDLE_KILLPRIV_V2
	if fs.data == Passthrough {
		o.ExtraCapabilities |= fuse.CAP_ATOMIC_O_TRUNC
		o.DisabledCapabilities = 0
	}
	return o
}

// Requests returns how many requests the kernel has sent: see ops.Counter.
func (fs *FS) Requests() map[string]uint64 { return fs.requests.Requests() }

// String names the filesystem in go-fuse's messages.
func (fs *FS) String() string { return "casview" }

// OnUnmount implements fuse.RawFileSystem: it comes after the last request.
func (fs *FS) OnUnmount() {
	fs.handles.close(fs.nodes.all())
	fs.work.Close()
	fs.lower.OnUnmount()
}

// status turns the error of a system call into what the job gets to see.
func (fs *FS) status(what string, err error) fuse.Status {
	if err == nil {
		return fuse.OK
	}
	var errno unix.Errno
	if !errors.As(err, &errno) {
		fs.log.Error("staging failed", "tried", what, "cause", err)
		return fuse.EIO
	}
	switch errno {
	case unix.EIO, unix.EROFS, unix.EBADF, unix.ESTALE, unix.EMFILE, unix.ENFILE, unix.EPERM, unix.EACCES:
		// The kernel has checked the job's own rights before: this is the host's trouble.
		fs.log.Error("staging failed", "tried", what, "cause", err)
	}
	return fuse.Status(errno)
}
