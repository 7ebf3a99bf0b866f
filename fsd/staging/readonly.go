package staging

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// ReadOnly mounts the view itself: nothing is staged.
type ReadOnly struct{}

var _ Driver = ReadOnly{}

// Name implements Driver.
func (ReadOnly) Name() string { return rundir.DriverNone }

// Mount implements Driver.
func (ReadOnly) Mount(r Request) (*Session, error) {
	label, err := r.fuseLabel()
	if err != nil {
		return nil, err
	}
	mount, server, _, err := mountFUSE(r.View, r.View.MountOptions(), r.Source, label, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return nil, err
	}
	if err := raiseReadAhead(mount); err != nil {
		r.Logger.Debug("read-ahead stays at the kernel's default", "cause", err)
	}
	return &Session{Mount: mount, Servers: []*fuse.Server{server}, Requests: r.View.Requests}, nil
}
