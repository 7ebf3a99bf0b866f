package staging

import (
	"errors"
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// layers are what is below an overlay mount.
type layers struct {
	view *os.File
	// stubs stand for large files, whose content is in another filesystem: both nil where there are none, or where the
	// kernel can't pass them through.
	stubs, content *os.File
	servers        []*fuse.Server
	devs           []int // their descriptors of /dev/fuse, which are the servers'
}

// mountLayers makes detached mounts of them and serves them.
func mountLayers(r Request) (*layers, error) {
	l := &layers{}
	if err := l.mountLarge(r); err != nil {
		r.Logger.Debug("large inputs are read through the daemon", "cause", err)
	}
	if err := l.mountView(r); err != nil {
		l.end()
		return nil, err
	}
	return l, nil
}

func (l *layers) mountView(r Request) error {
	r.View.Hide(l.stubs != nil)
	mount, server, dev, err := mountFUSE(r.View, r.View.MountOptions(), r.Source, unlabelled, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return err
	}
	l.view, l.servers, l.devs = mount, append(l.servers, server), append(l.devs, dev)
	if err := raiseReadAhead(mount); err != nil {
		r.Logger.Debug("read-ahead stays at the kernel's default", "cause", err)
	}
	return nil
}

// mountLarge mounts large files' stubs and content, if there are any. On error there is nothing.
func (l *layers) mountLarge(r Request) error {
	large := r.View.Large()
	if large == nil {
		return nil
	}
	inside, err := inUserNamespace()
	if err != nil {
		return err
	}
	if inside {
		return errors.New("the kernel passes files through for the host's root only")
	}
	content, server, dev, err := mountFUSE(large, large.MountOptions(), r.Source, unlabelled, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return err
	}
	stubs, err := mountStubs(large, r.Source)
	if err == nil {
		if err = large.Try(); err != nil {
			stubs.Close()
		}
	}
	if err != nil {
		content.Close()
		server.Wait()
		return err
	}
	l.stubs, l.content, l.servers, l.devs = stubs, content, append(l.servers, server), append(l.devs, dev)
	return nil
}

// addTo names the layers to overlayfs. A lower file may say that its content is in a layer below that has no names of its own
// (datadir): only the last of the layers with names may, and only since Linux 6.16 without metacopy=on. That would make
// upper's files incomplete, too.
func (l *layers) addTo(c *fsContext) {
	if l.stubs == nil {
		c.set("lowerdir", fdPath(l.view))
		return
	}
	c.set("lowerdir+", fdPath(l.view))
	c.set("lowerdir+", fdPath(l.stubs))
	c.set("datadir+", fdPath(l.content))
}

// withoutLarge is for a kernel that does not take all layers.
func (l *layers) withoutLarge(r Request) error {
	l.end()
	*l = layers{}
	return l.mountView(r)
}

// close leaves the layers to whoever has cloned their mounts.
func (l *layers) close() {
	for _, m := range []*os.File{l.view, l.stubs, l.content} {
		if m != nil {
			m.Close()
		}
	}
}

// end is close where nobody has: the connections end with their last mounts, and their goroutines with them.
func (l *layers) end() {
	l.close()
	for _, s := range l.servers {
		s.Wait()
	}
}
