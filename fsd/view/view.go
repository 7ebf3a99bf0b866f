package view

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/ops"
	"github.com/casview/casview/fsd/trace"
)

const (
	enametoolong = fuse.Status(syscall.ENAMETOOLONG)

	// MaxRead is the most bytes that one READ may ask for. The mounter sets it as max_read.
	MaxRead = 1 << 20
	// maxBackground is how many requests that nobody waits for yet, mostly readahead, the kernel may have under way. Its
	// own default of 12 is soon used up by a few readers of large files.
	maxBackground = 64
)

// Options are what the tree does not say.
type Options struct {
	// UID and GID own everything, as the user namespace of the mount sees them.
	UID, GID uint32
	// VerifyFirstRead hashes a blob whole before its first byte is given to the job.
	VerifyFirstRead bool
	// MaxPaths is how many paths the view may come to know; zero is as many as there are inode numbers. A directory over it
	// reads as damaged. A tree that names one directory again and again has more paths than fit into any memory.
	MaxPaths int
	// Large are the large files, as far as they are known: see Large.
	Large []tree.Large
	// Logger gets what goes wrong; nil discards it.
	Logger *slog.Logger
}

// View is a read-only filesystem over one tree. It is served by a fuse.Server, whose requests may come concurrently.
type View struct {
	fuse.RawFileSystem // answers ENOSYS to what is not implemented

	store    cas.Reader
	digest   cas.Digest // of the root
	recorder *trace.Recorder
	options  Options
	log      *slog.Logger

	root     *dir
	hide     bool // large files are in another layer
	nodes    nodes
	loads    loads
	blobs    *blobs
	requests ops.Counter
}

var _ fuse.RawFileSystem = (*View)(nil)

// New returns a view of the tree root, which it reads from s on demand; only the root directory itself is loaded before
// it returns. What the job does is recorded by rec, which may be nil.
func New(s cas.Reader, root cas.Digest, rec *trace.Recorder, o Options) (*View, error) {
	t, err := tree.Load(s, root)
	if err != nil {
		return nil, fmt.Errorf("view of %s: %w", root, err)
	}
	d, err := newDir(t, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("view of %s: %w", root, err)
	}
	d.node, d.large = rootID, newLargeDirs(o.Large)
	v := &View{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		store:         s, digest: root, recorder: rec, options: o, log: o.Logger,
		root: d, loads: loads{running: map[nodeID]*loading{}}, blobs: newBlobs(s),
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	if o.MaxPaths > 0 {
		v.nodes.most = min(uint64(o.MaxPaths), uint64(lastID))
	}
	if _, err := v.nodes.add(d); err != nil {
		return nil, fmt.Errorf("view of %s: %w", root, err)
	}
	return v, nil
}

// Root returns a copy of the root directory.
func (v *View) Root() *tree.Directory { return v.root.unpack() }

// String names the filesystem in go-fuse's messages.
func (v *View) String() string { return "casview" }

// OnUnmount implements fuse.RawFileSystem: it comes after the last request.
func (v *View) OnUnmount() { v.blobs.close() }

// MountOptions returns what fuse.NewServer has to negotiate with the kernel. The options of the mount itself are the
// mounter's: see "Mounting" in the package comment.
func (v *View) MountOptions() *fuse.MountOptions {
	return &fuse.MountOptions{
		Name:                     "casview",
		FsName:                   "casview",
		MaxWrite:                 MaxRead, // go-fuse has one limit for both directions
		MaxBackground:            maxBackground,
		EnableSymlinkCaching:     true,
		ExplicitDataCacheControl: true, // else a changed mtime or size would drop pages: there are none
		DisableXAttrs:            true,
		ExtraCapabilities:        fuse.CAP_EXPORT_SUPPORT,
		DisabledCapabilities:     fuse.CAP_PASSTHROUGH, // with it the job could not stack an overlayfs on its view
		DisableSplice:            true,
		Logger:                   slog.NewLogLogger(v.log.Handler(), slog.LevelInfo),
		PanicHandler: func(cause any) fuse.Status {
			v.log.Error("panic in a request", "cause", cause, "stack", string(debug.Stack()))
			return fuse.EIO
		},
	}
}

// Requests returns how many requests the kernel has sent: see ops.Counter. Those that cost one request for the whole life
// of the view (extended attributes) are go-fuse's and not counted.
func (v *View) Requests() map[string]uint64 { return v.requests.Requests() }
