package merged

import (
	"os"
	"slices"
	"sort"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/view"
)

// listing says in which order a staged directory is listed. A reader may stop anywhere and go on later, and must then get
// every name that was there all the time exactly once. So a name's place never changes: an input's is its index among the
// inputs, which never change; other names are numbered as they come. A staged name with an input of the same name below
// has that one's place.
type listing struct {
	inputs view.Inputs
	// staged are the names in the staging tree.
	staged map[string]stagedName
	// order has those that are no input's, with rising places, and some that are gone.
	order []placed
	next  uint64
}

type stagedName struct {
	whiteout bool
	place    uint64 // 0: the input's
}

type placed struct {
	name  string
	place uint64
}

// dots is how many names come before the inputs: "." and "..".
const dots = 2

func newListing(inputs view.Inputs) *listing {
	return &listing{inputs: inputs, staged: map[string]stagedName{}, next: uint64(dots + inputs.Len())}
}

// put notes that a name is in the staging tree now.
func (l *listing) put(name string) {
	if s, ok := l.staged[name]; ok && !s.whiteout {
		return
	}
	if l.inputs.Has(name) {
		l.staged[name] = stagedName{}
		return
	}
	l.staged[name] = stagedName{place: l.next}
	l.order = append(l.order, placed{name, l.next})
	l.next++
}

// remove notes that a name is gone, leaving a whiteout if there is an input below.
func (l *listing) remove(name string, below bool) {
	if below {
		l.staged[name] = stagedName{whiteout: true}
		return
	}
	delete(l.staged, name)
	if len(l.order) > 2*len(l.staged)+64 {
		l.order = slices.DeleteFunc(l.order, func(p placed) bool { return !l.has(p) })
	}
}

// has says whether a name of order is still there, and not another one of its name.
func (l *listing) has(p placed) bool {
	s, ok := l.staged[p.name]
	return ok && s.place == p.place
}

// from returns the names that are no input's from a place on.
func (l *listing) from(place uint64) []placed {
	return l.order[sort.Search(len(l.order), func(i int) bool { return l.order[i].place >= place }):]
}

// put is listing.put for a directory that may have no list yet. FS.names is held exclusively.
func (n *node) put(name string) {
	n.listMu.Lock()
	defer n.listMu.Unlock()
	if n.list != nil {
		n.list.put(name)
	}
}

func (n *node) remove(name string, below bool) {
	n.listMu.Lock()
	defer n.listMu.Unlock()
	if n.list != nil {
		n.list.remove(name, below)
	}
}

// listOf returns what the listings of dir go by. It does not change as long as FS.names is held, as it is.
func (fs *FS) listOf(dir *node) (*listing, error) {
	dir.listMu.Lock()
	defer dir.listMu.Unlock()
	if dir.list != nil {
		return dir.list, nil
	}
	var inputs view.Inputs
	if dir.lower != 0 {
		var status fuse.Status
		if inputs, status = fs.lower.Inputs(dir.lower); !status.Ok() {
			return nil, unix.Errno(status)
		}
	}
	l := newListing(inputs)
	if !dir.staged.Load() {
		return l, nil // to be made again when it is: the inputs have the same places then
	}
	d, err := fs.open(dir)
	if err != nil {
		return nil, err
	}
	defer fs.handles.release(d)
	err = fs.eachStaged(d, func(name string, whiteout bool) error {
		if l.put(name); whiteout {
			l.remove(name, true)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	dir.list = l
	return l, nil
}

// eachStaged calls do for each name in a staged directory, until it returns an error.
func (fs *FS) eachStaged(d *handle, do func(name string, whiteout bool) error) error {
	fd, err := unix.Openat(d.dirfd(), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), d.file.Name())
	defer f.Close()
	names, err := f.ReadDir(-1)
	if err != nil {
		return err
	}
	marks, err := fs.marks.Xattrs().Read(f)
	if err != nil {
		return err
	}
	for _, e := range names {
		whiteout := false
		// Only a device or, where the directory says so, a regular file can be one.
		if t := e.Type(); t&os.ModeDevice != 0 || t.IsRegular() && marks.XattrWhiteouts {
			var st unix.Stat_t
			if err := unix.Fstatat(fd, e.Name(), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return err
			}
			if whiteout, err = fs.marks.Xattrs().IsWhiteout(f, marks, e.Name(), &st); err != nil {
				return err
			}
		}
		if err := do(e.Name(), whiteout); err != nil {
			return err
		}
	}
	return nil
}
