package merged

import (
	"container/list"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// mostIdle is how many descriptors of staged files stay open for the next request: there is no OPEN and no RELEASE that
// would say how long one is needed. Of what the process may have open, they are a quarter at the most: files without a name
// and blobs need some as well.
const mostIdle = 4096

func idleLimit() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return mostIdle / 16
	}
	return int(min(limit.Cur/4, mostIdle))
}

// handles keeps descriptors of staged inodes: for reading of directories, for reading and writing of regular files, with
// O_PATH of anything else.
type handles struct {
	mu sync.Mutex
	// idle holds those that no request is using, the longest unused first.
	idle list.List
	most int
}

type handle struct {
	fd   int
	file *os.File // instead of fd, for a directory

	// Under handles.mu:
	node   *node
	users  int
	pinned bool // there is no name to open it by again
	idle   *list.Element
}

func (d *handle) close() {
	if d.file != nil {
		d.file.Close()
		return
	}
	unix.Close(d.fd)
}

// dirfd is the descriptor of a directory. The handle must be held.
func (d *handle) dirfd() int {
	if d.file != nil {
		return int(d.file.Fd())
	}
	return d.fd
}

// acquire returns the handle of n, nil if there is none. release gives it back.
func (h *handles) acquire(n *node) *handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.handle == nil {
		return nil
	}
	h.use(n.handle)
	return n.handle
}

func (h *handles) use(d *handle) {
	d.users++
	if d.idle != nil {
		h.idle.Remove(d.idle)
		d.idle = nil
	}
}

// add makes d the handle of n and acquires it. If n has got one in the meantime, that stays and d is closed.
func (h *handles) add(n *node, d *handle) *handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.handle != nil {
		d.close()
	} else {
		d.node, n.handle = n, d
	}
	h.use(n.handle)
	return n.handle
}

// pin keeps d, which is held, for as long as the kernel knows its node: it has lost its last name.
func (h *handles) pin(d *handle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.pinned = true
}

// unpin takes pin back: the node has a name again. d is held.
func (h *handles) unpin(d *handle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.pinned = false
}

func (h *handles) release(d *handle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.users--
	switch {
	case d.users > 0:
	case d.node.handle != d: // dropped while it was in use
		d.close()
	case d.pinned:
	default:
		d.idle = h.idle.PushBack(d)
		if h.idle.Len() > h.most {
			h.remove(h.idle.Front().Value.(*handle))
		}
	}
}

// remove takes the handle away from its node and closes it once nobody uses it.
func (h *handles) remove(d *handle) {
	d.node.handle = nil
	if d.idle != nil {
		h.idle.Remove(d.idle)
		d.idle = nil
	}
	if d.users == 0 {
		d.close()
	}
}

// drop removes the handle of a node that the kernel has forgotten.
func (h *handles) drop(n *node) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.handle != nil {
		h.remove(n.handle)
	}
}

// close removes all handles, after the last request.
func (h *handles) close(all []*node) {
	for _, n := range all {
		h.drop(n)
	}
}

// open acquires the handle of a staged node. FS.names is held.
func (fs *FS) open(n *node) (*handle, error) {
	if d := fs.handles.acquire(n); d != nil {
		return d, nil
	}
	for _, l := range fs.nodes.linksOf(n) {
		dir := fs.nodes.get(l.dir)
		if dir == nil {
			continue // the kernel has forgotten this name
		}
		parent, err := fs.open(dir)
		if err != nil {
			return nil, err
		}
		d, err := openIn(parent.dirfd(), l.name, n.kind)
		fs.handles.release(parent)
		if err != nil {
			return nil, err
		}
		return fs.handles.add(n, d), nil
	}
	return nil, fmt.Errorf("inode %d has no name: %w", n.id, unix.ESTALE)
}

// openIn opens a name for what its kind allows.
func openIn(dir int, name string, kind uint32) (*handle, error) {
	flags := unix.O_PATH
	switch kind {
	case unix.S_IFREG:
		flags = unix.O_RDWR | unix.O_NOATIME
	case unix.S_IFDIR:
		flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOATIME
	}
	fd, err := unix.Openat(dir, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open staged %q: %w", name, err)
	}
	return newHandle(fd, name, kind), nil
}

func newHandle(fd int, name string, kind uint32) *handle {
	if kind == unix.S_IFDIR {
		return &handle{file: os.NewFile(uintptr(fd), name)}
	}
	return &handle{fd: fd}
}
