package attach

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// Request says where a view shall go.
type Request struct {
	// PID is a process in the container's mount namespace.
	PID int
	// Rootfs is the container's root filesystem, a path in that namespace before pivot_root. The runtime named it.
	Rootfs string
	// Target is a clean absolute path in the container.
	Target string
	// Allowed is the policy for where views may be. It is asked again where the image has a symlink in the way.
	Allowed func(path string) bool
	// Root is the container's root as the hook sees it: what is made in the root filesystem becomes its own.
	Root rundir.Owner
	// Marker asks for a place for the marker as well.
	Marker bool
}

// Place is a directory in a container that is ready to take a view. It is for one goroutine. Whoever gets one calls Close.
type Place struct {
	request Request
	thread  *thread
	root    *os.File
	dir     *os.File
	marker  *os.File
	created []string
}

// Find enters the container and opens the target, and the marker's file if that is asked for, making what is missing.
// Everything that can be wrong with them is found here, before there is a mount. On error what was made may remain: the
// Attachment that is returned even then names it, for Remove.
func Find(r Request) (*Place, rundir.Attachment, error) {
	t, err := enter(r.PID)
	if err != nil {
		return nil, rundir.Attachment{}, fmt.Errorf("attach %s: %w", r.Target, err)
	}
	p := &Place{request: r, thread: t}
	if err := t.do(p.find); err != nil {
		p.Close()
		return nil, p.Attachment(), err
	}
	return p, p.Attachment(), nil
}

// Attachment is what attach.json has to say.
func (p *Place) Attachment() rundir.Attachment {
	return rundir.Attachment{Rootfs: p.request.Rootfs, Created: p.created}
}

// Mount moves the view onto the target.
func (p *Place) Mount(view *os.File) error { return p.move(view, p.dir, p.request.Target) }

// Mark moves the marker onto its place. The request asked for one.
func (p *Place) Mark(marker *os.File) error { return p.move(marker, p.marker, "/"+Marker) }

func (p *Place) move(mount, onto *os.File, name string) error {
	err := p.thread.do(func() error {
		return unix.MoveMount(int(mount.Fd()), "", int(onto.Fd()), "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	})
	if err != nil {
		return fmt.Errorf("attach %s: move_mount: %w", name, err)
	}
	return nil
}

// Close leaves the container. What was mounted stays.
func (p *Place) Close() {
	p.thread.end()
	for _, f := range []*os.File{p.root, p.dir, p.marker} {
		if f != nil {
			f.Close()
		}
	}
}

// find runs on the thread.
func (p *Place) find() error {
	root, err := os.OpenFile(p.request.Rootfs, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("attach %s: root filesystem: %w", p.request.Target, err)
	}
	p.root = root
	if err := p.open(); err != nil {
		return fmt.Errorf("target %s: %w", p.request.Target, err)
	}
	if !p.request.Marker {
		return nil
	}
	if err := p.openMarker(); err != nil {
		return fmt.Errorf("marker /%s: %w", Marker, err)
	}
	return nil
}

func (p *Place) open() error {
	dir, missing, err := find(p.root, p.request.Target)
	if err != nil {
		return err
	}
	p.dir = dir
	base, err := p.thread.below(p.root, dir)
	if err != nil {
		return err
	}
	if err := p.allowed(path.Join(base, path.Join(missing...))); err != nil {
		return err
	}
	if err := p.thread.notShared(dir); err != nil {
		return err
	}
	if len(missing) == 0 {
		return p.thread.hidesNothing(dir, base)
	}
	last, made, err := makeDirs(dir, missing, p.request.Root)
	for _, name := range made {
		p.created = append(p.created, path.Join(base, name)[1:])
	}
	if err != nil {
		return err
	}
	dir.Close()
	p.dir = last
	return nil
}

// allowed asks the policy about the place that the target really is.
func (p *Place) allowed(place string) error {
	switch {
	case place == p.request.Target:
		return nil
	case place == "/":
		return errors.New("is a symlink to the container's root")
	case !p.request.Allowed(place):
		return fmt.Errorf("is a symlink to %.256s, which view.allowed_targets does not allow", printable(place))
	}
	return nil
}
