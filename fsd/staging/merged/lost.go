package merged

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/view"
)

// Lost is a file of which the kernel could not write back all that the job has stored to a mapping. The job may not have looked
// at what msync(2) or close(2) said of that: only the daemon knows.
type Lost struct {
	// Dev and Ino are the file in the staging tree; zero for an input that could not be copied up.
	Dev, Ino uint64
	// Path is where the file was at that time.
	Path  string
	Cause error
}

// losses are the files that have lost data, by number. A file is none of them any more when it is truncated to nothing or has
// lost its last name.
type losses struct {
	mu   sync.Mutex
	byID map[uint64]*Lost
}

// add notes that data of a file is lost. The first cause stays.
func (l *losses) add(id uint64, lost Lost) (isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[id] != nil {
		return false
	}
	if l.byID == nil {
		l.byID = map[uint64]*Lost{}
	}
	l.byID[id] = &lost
	return true
}

// staged notes where a file is that was not in the staging tree when it lost data.
func (l *losses) staged(id uint64, i inode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lost := l.byID[id]; lost != nil {
		lost.Dev, lost.Ino = i.dev, i.ino
	}
}

func (l *losses) remove(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, id)
}

// Lost returns the files that have lost data so far, by path.
func (fs *FS) Lost() []Lost {
	fs.losses.mu.Lock()
	defer fs.losses.mu.Unlock()
	var all []Lost
	for _, l := range fs.losses.byID {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b Lost) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// lose notes that data of a file is lost because of an error.
func (fs *FS) lose(n *node, cause error) {
	lost := Lost{Path: fs.path(n), Cause: cause}
	if n.staged.Load() {
		fs.names.RLock()
		st, err := fs.stat(n)
		fs.names.RUnlock()
		if err == nil {
			lost.Dev, lost.Ino = st.Dev, st.Ino
		}
	}
	if fs.losses.add(n.id, lost) {
		fs.log.Error("data of a file is lost", "path", lost.Path, "cause", cause)
	}
}

// path returns where n is below the root, as far as that is known.
func (fs *FS) path(n *node) string {
	var parts []string
	for n != nil && n.id != view.RootID {
		dir, name := fs.nodes.parent(n)
		parts = append(parts, name)
		n = dir
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// lostLast notes that a file has lost its last name: nobody misses its data.
func (fs *FS) lostLast(o *object) {
	if o.kind == unix.S_IFREG {
		fs.losses.remove(o.id)
	}
}
