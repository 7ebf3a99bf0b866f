package ingest

import (
	"context"
	"os"
	"slices"
	"sync"

	"github.com/casview/casview/cas/tree"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// scan looks at everything below the directory, which comes first.
func (src *source) scan(ctx context.Context, o Options, report *reporter) ([]*found, []Skip, error) {
	var st unix.Stat_t
	if err := unix.Fstat(src.fd, &st); err != nil {
		return nil, nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Workers)
	sc := &scanner{source: src, group: group, ctx: ctx, limit: o.MaxInputs, report: report}
	root := &found{entry: tree.Entry{Kind: tree.Dir}}
	setAttributes(&root.entry, &st)
	sc.paths = append(sc.paths, root)

	dir, err := openDir(src.fd, ".")
	if err != nil {
		return nil, nil, err
	}
	group.Go(func() error { return sc.dir(dir, "") })
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	sortSkips(sc.skipped)
	return sc.paths, sc.skipped, nil
}

type scanner struct {
	*source
	group  *errgroup.Group
	ctx    context.Context
	limit  int
	report *reporter

	mu      sync.Mutex
	paths   []*found
	skipped []Skip
}

// dir looks at what is in the directory path, and closes its handle. Directories in it are left to another worker if one
// is free.
func (sc *scanner) dir(handle *os.File, path string) error {
	defer handle.Close()
	if err := sc.ctx.Err(); err != nil {
		return err
	}
	names, err := handle.Readdirnames(-1)
	if err != nil {
		return pathError(path, err)
	}
	slices.Sort(names) // here it costs less than where the tree is made, which is by one worker
	b := batch{room: make([]found, len(names)), paths: make([]*found, 0, len(names))}
	for _, name := range names {
		if err := sc.look(handle, name, join(path, name), &b); err != nil {
			return pathError(join(path, name), err)
		}
	}
	if err := sc.add(&b); err != nil {
		return err
	}
	for _, name := range b.dirs {
		child, err := openDir(int(handle.Fd()), name)
		if err != nil {
			return pathError(join(path, name), err)
		}
		descend := func() error { return sc.dir(child, join(path, name)) }
		if sc.group.TryGo(descend) {
			continue
		}
		if err := descend(); err != nil {
			return err
		}
	}
	return nil
}

// batch is what one directory holds.
type batch struct {
	room    []found // for the paths to come
	paths   []*found
	skipped []Skip
	dirs    []string
	files   int64
	bytes   int64
}

func (sc *scanner) look(handle *os.File, name, path string, b *batch) error {
	dir := int(handle.Fd())
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("stat", err)
	}
	f := &b.room[0]
	b.room = b.room[1:]
	f.path = path
	setAttributes(&f.entry, &st)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		f.entry.Kind, f.id = tree.File, identityOf(&st)
		b.files++
		b.bytes += st.Size
	case unix.S_IFDIR:
		if what, ok := sc.isOwn(&st); ok {
			b.skipped = append(b.skipped, Skip{Path: path, Type: "dir", Reason: what})
			return nil
		}
		f.entry.Kind = tree.Dir
		b.dirs = append(b.dirs, name)
	case unix.S_IFLNK:
		target, err := readlink(dir, name)
		if err != nil {
			return err
		}
		f.entry.Kind, f.entry.Target = tree.Symlink, target
	default:
		b.skipped = append(b.skipped, Skip{Path: path, Type: typeName(&st), Reason: "not a storable type"})
		return nil
	}
	b.paths = append(b.paths, f)
	return nil
}

func (sc *scanner) add(b *batch) error {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.paths = append(sc.paths, b.paths...)
	sc.skipped = append(sc.skipped, b.skipped...)
	sc.report.scanned(b.files, b.bytes)
	return limit(len(sc.paths)-1, sc.limit)
}

func openDir(dir int, name string) (*os.File, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func readlink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		return "", os.NewSyscallError("readlink", err)
	}
	return string(buf[:n]), nil
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
