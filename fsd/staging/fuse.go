package staging

import (
	"errors"
	"fmt"
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/staging/merged"
	"github.com/casview/casview/fsd/staging/upper"
)

// FUSE serves the view and the staging tree as one filesystem itself: see package merged. It works where overlayfs doesn't.
type FUSE struct{}

var _ Driver = FUSE{}

// Name implements Driver.
func (FUSE) Name() string { return "fuse" }

// Mount implements Driver. Where passthrough is asked for and can't be had, data goes through the cache.
func (FUSE) Mount(r Request) (s *Session, err error) {
	dirs, err := makeDirs(r)
	if err != nil {
		return nil, err
	}
	defer func() {
		dirs.close()
		if err != nil {
			dirs.remove()
		}
	}()
	if r.Data != merged.Passthrough {
		return mountMerged(r, dirs, merged.Cached, "configured")
	}
	s, err = mountMerged(r, dirs, merged.Passthrough, "configured")
	if refused := (noPassthrough{}); errors.As(err, &refused) {
		return mountMerged(r, dirs, merged.Cached, refused.Error())
	}
	return s, err
}

// noPassthrough says why passthrough can't be had.
type noPassthrough struct{ cause error }

func (e noPassthrough) Error() string { return "no passthrough: " + e.cause.Error() }

func mountMerged(r Request, dirs *layerDirs, data merged.Data, reason string) (*Session, error) {
	fs, marks, err := newMerged(r, dirs, data)
	if err != nil {
		return nil, err
	}
	label, err := r.fuseLabel()
	if err != nil {
		fs.OnUnmount()
		return nil, err
	}
	mount, server, _, err := mountFUSE(fs, fs.MountOptions(), r.Source, label, 0)
	if err != nil {
		fs.OnUnmount()
		return nil, err
	}
	if data == merged.Passthrough {
		if err := fs.TryPassthrough(); err != nil {
			mount.Close()
			server.Wait()
			return nil, noPassthrough{err}
		}
	}
	if err := raiseReadAhead(mount); err != nil {
		r.Logger.Debug("read-ahead stays at the kernel's default", "cause", err)
	}
	return &Session{
		Mount: mount, Servers: []*fuse.Server{server}, UserXattr: marks.Xattrs() == upper.User,
		Data: data, DataReason: reason, FailedPassthrough: fs.FailedRegistrations, Lost: fs.Lost, Requests: fs.Requests,
	}, nil
}

func newMerged(r Request, dirs *layerDirs, data merged.Data) (*merged.FS, upper.Writer, error) {
	top, err := readable(dirs.upper)
	if err != nil {
		return nil, upper.Writer{}, err
	}
	work, err := readable(dirs.work)
	if err != nil {
		top.Close()
		return nil, upper.Writer{}, err
	}
	marks, err := upper.NewWriter(work)
	var rootless bool
	if err == nil {
		rootless, err = inUserNamespace()
	}
	if err == nil {
		var fs *merged.FS
		fs, err = merged.New(merged.Layers{
			Lower: r.View, Upper: top, Work: work, Marks: marks, Data: data, Rootless: rootless, Logger: r.Logger,
		})
		if err == nil {
			return fs, marks, nil
		}
	}
	top.Close()
	work.Close()
	return nil, upper.Writer{}, err
}

// readable opens a directory again that is only open as a path.
func readable(dir *os.File) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir.Name(), err)
	}
	return os.NewFile(uintptr(fd), dir.Name()), nil
}
