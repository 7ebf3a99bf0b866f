package conformance

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// How many descriptors, mappings and directories a sequence may have open.
const (
	maxFiles = 6
	maxMaps  = 2
	maxDirs  = 2
)

// world is one of the two trees that a sequence works on, with what it has open there.
type world struct {
	dir   string
	plain bool
	// unsteady says that a file's inode number may change between a listing and a look at the file.
	unsteady bool
	// drop makes the kernel forget what it knows of the tree; nil in a plain one.
	drop  func() error
	files [maxFiles]*openFile
	maps  [maxMaps]*mapping
	dirs  [maxDirs]*reading
}

// openFile is a descriptor with the path and flags of its open.
type openFile struct {
	fd    int
	path  string
	flags int
}

// mapping is shared memory of a file, which fd keeps open for its size.
type mapping struct {
	fd       int
	mem      []byte
	writable bool
}

// mask is what stat asks for.
func (w *world) mask() int {
	if w.plain {
		return plainStat
	}
	return viewStat
}

// at is a path in the tree. It is not cleaned: a trailing slash means something.
func (w *world) at(path string) string { return w.dir + "/" + path }

// fd is the descriptor at a place, or -1, for which system calls say EBADF.
func (w *world) fd(place int) int {
	if f := w.files[place]; f != nil {
		return f.fd
	}
	return -1
}

func (w *world) closeFile(place int) error {
	f := w.files[place]
	if f == nil {
		return unix.EBADF
	}
	w.files[place] = nil
	return unix.Close(f.fd)
}

func (w *world) unmap(place int) error {
	m := w.maps[place]
	if m == nil {
		return unix.EINVAL
	}
	w.maps[place] = nil
	return errors.Join(unix.Munmap(m.mem), unix.Close(m.fd))
}

// closeAll gives up everything that is open.
func (w *world) closeAll() error {
	var errs []error
	for i := range w.maps {
		if w.maps[i] != nil {
			errs = append(errs, w.unmap(i))
		}
	}
	for i := range w.files {
		if w.files[i] != nil {
			errs = append(errs, w.closeFile(i))
		}
	}
	for i := range w.dirs {
		if w.dirs[i] != nil {
			errs = append(errs, w.dirs[i].close())
			w.dirs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// listing is what there is in a plain tree, by kind, for choosing from.
type listing struct {
	dirs, files, links, others []string
}

// list reads the whole tree. Names are in the order of their bytes, so that the choice does not depend on the filesystem.
func (w *world) list() (listing, error) {
	l := listing{dirs: []string{""}}
	for i := 0; i < len(l.dirs); i++ {
		entries, err := listDir(w.at(l.dirs[i]))
		if err != nil {
			return l, err
		}
		slices.SortFunc(entries, func(a, b dirent) int { return strings.Compare(a.name, b.name) })
		for _, e := range entries {
			if !e.dots() {
				l.add(below(l.dirs[i], e.name), e.kind)
			}
		}
	}
	return l, nil
}

func (l *listing) add(path string, kind uint8) {
	switch kind {
	case unix.DT_REG:
		l.files = append(l.files, path)
	case unix.DT_DIR:
		l.dirs = append(l.dirs, path)
	case unix.DT_LNK:
		l.links = append(l.links, path)
	default:
		l.others = append(l.others, path)
	}
}

func split(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

func below(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
