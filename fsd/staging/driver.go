package staging

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/staging/merged"
	"github.com/casview/casview/fsd/view"
)

// Request is what a driver needs to make a mount.
type Request struct {
	View *view.View
	// Upper and Work are host directories that do not exist yet, in one directory, which is made if it is missing.
	Upper, Work string
	Owner       rundir.Owner
	// Data is how the fuse driver moves the content of staged files; "" is merged.Cached.
	Data merged.Data
	// Source is shown as the mount's source in mountinfo.
	Source string
	// Label is the SELinux context of everything in the mount; "" is none, and the only one that a kernel without SELinux
	// takes.
	Label  string
	Logger *slog.Logger
}

// Session is a mount that is being served.
type Session struct {
	// Mount is detached. Closing it, and every mount made from it, ends the session.
	Mount *os.File
	// Servers answer the requests of its FUSE connections, which end together.
	Servers []*fuse.Server
	// UserXattr says that overlay marks are in user.overlay.*.
	UserXattr bool
	// Data is how the fuse driver moves the content of staged files, and DataReason why; empty for other drivers.
	Data       merged.Data
	DataReason string
	// FailedPassthrough returns how many files could not be passed through so far; nil for none.
	FailedPassthrough func() uint64
	// Lost returns the files that have lost data so far; nil for none.
	Lost func() []merged.Lost
	// Requests returns what the kernel has asked so far: see ops.Counter.
	Requests func() map[string]uint64
}

// Wait returns when the kernel has ended all FUSE connections of the session.
func (s *Session) Wait() {
	for _, server := range s.Servers {
		server.Wait()
	}
}

// Driver makes one kind of mount. Implementations are safe for concurrent use.
type Driver interface {
	Name() string
	// Mount makes the staging tree and the mount. On error nothing stays behind.
	Mount(Request) (*Session, error)
}

// ErrNoDriver means that no driver works here.
var ErrNoDriver = errors.New("no staging driver works here")

// Choose mounts with the named driver: "overlay", "fuse", rundir.DriverNone, or "auto", which tries them in order. It tries
// instead of guessing from kernel versions, since policies and filesystems refuse overlayfs as often as old kernels do. The
// reason says why the driver was taken.
func Choose(name string, r Request) (s *Session, driver, reason string, err error) {
	switch name {
	case rundir.DriverNone:
		s, err = ReadOnly{}.Mount(r)
		return s, rundir.DriverNone, "the view is read-only", err
	case Overlay{}.Name():
		s, err = Overlay{}.Mount(r)
		return s, name, "configured", err
	case FUSE{}.Name():
		s, err = FUSE{}.Mount(r)
		return s, name, "configured", err
	case "auto":
		return tryAll(r)
	default:
		return nil, "", "", fmt.Errorf("staging driver %q: there are overlay, fuse and auto: %w", name, ErrNoDriver)
	}
}

func tryAll(r Request) (s *Session, driver, reason string, err error) {
	s, refused := Overlay{}.Mount(r)
	if refused == nil {
		return s, Overlay{}.Name(), "auto: the kernel accepted an overlay mount", nil
	}
	s, err = FUSE{}.Mount(r)
	if err != nil {
		return nil, "", "", fmt.Errorf("%w: overlay: %w; fuse: %w", ErrNoDriver, refused, err)
	}
	return s, FUSE{}.Name(), fmt.Sprintf("auto: no overlay mount: %v", refused), nil
}
