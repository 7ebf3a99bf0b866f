package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// fsxOp is something that can be done to a file. Each leaves the copy in memory as the file has to be.
type fsxOp struct {
	name   string
	weight int
	do     func(*fsxRun, *fsxFile) error
}

var fsxOps = []fsxOp{
	{"read", 16, (*fsxRun).read},
	{"read through a pipe", 2, (*fsxRun).spliceRead},
	{"write", 16, (*fsxRun).write},
	{"append", 4, (*fsxRun).append},
	{"truncate", 6, (*fsxRun).truncate},
	{"read by a mapping", 8, (*fsxRun).mapRead},
	{"write by a mapping", 10, (*fsxRun).mapWrite},
	{"fallocate", 8, (*fsxRun).fallocate},
	{"copy_file_range", 5, (*fsxRun).copyRange},
	{"reopen", 8, (*fsxRun).reopen},
	{"fsync", 3, (*fsxRun).sync},
	{"drop the cache", 2, (*fsxRun).dropCache},
	{"stat", 4, (*fsxRun).stat},
	{"seek for data", 3, (*fsxRun).seekData},
	{"link or unlink", 3, (*fsxRun).links},
	{"rename", 1, (*fsxRun).rename},
	{"replace", 1, (*fsxRun).replace},
}

// copyUp comes before whatever copies an input up.
func (r *fsxRun) copyUp(f *fsxFile) error {
	if !f.lower {
		return nil
	}
	f.note("copied up")
	f.lower = false
	if !r.Stale {
		return nil
	}
	for _, o := range f.opens {
		o.stale = true
	}
	return f.unmapAll()
}

// readable and writable find an open descriptor that does, or make one.
func (r *fsxRun) readable(f *fsxFile) (*fsxOpen, error) {
	return r.descriptor(f, (*fsxOpen).reads, unix.O_RDONLY)
}

func (r *fsxRun) writable(f *fsxFile, accept func(*fsxOpen) bool) (*fsxOpen, error) {
	if err := r.copyUp(f); err != nil {
		return nil, err
	}
	return r.descriptor(f, func(o *fsxOpen) bool { return o.writes() && accept(o) }, unix.O_RDWR)
}

func notAppending(o *fsxOpen) bool { return !o.has(unix.O_APPEND) }

func (r *fsxRun) descriptor(f *fsxFile, accept func(*fsxOpen) bool, flags int) (*fsxOpen, error) {
	var found []*fsxOpen
	for _, o := range f.opens {
		if accept(o) {
			found = append(found, o)
		}
	}
	if len(found) == 0 {
		return f.open(f.name(r.rng), flags)
	}
	return found[r.rng.IntN(len(found))], nil
}

// reopen closes a descriptor at times, and opens another with random flags.
func (r *fsxRun) reopen(f *fsxFile) error {
	if n := len(f.opens); n > 3 || n > 0 && r.rng.IntN(3) > 0 {
		if err := f.close(r.rng.IntN(n)); err != nil {
			return err
		}
	}
	flags := []int{unix.O_RDONLY, unix.O_RDWR, unix.O_RDWR, unix.O_WRONLY}[r.rng.IntN(4)]
	switch {
	case flags == unix.O_RDONLY:
	case r.rng.IntN(4) == 0:
		flags |= unix.O_APPEND
	case r.rng.IntN(20) == 0:
		flags |= unix.O_TRUNC
	case r.rng.IntN(8) == 0:
		flags |= unix.O_DSYNC
	}
	if r.rng.IntN(4) == 0 {
		flags |= unix.O_CREAT
	}
	if flags&(unix.O_APPEND|unix.O_TRUNC) == 0 && r.Direct && r.rng.IntN(4) == 0 {
		flags |= unix.O_DIRECT
	}
	if flags&unix.O_ACCMODE != unix.O_RDONLY {
		if err := r.copyUp(f); err != nil {
			return err
		}
	}
	_, err := f.open(f.name(r.rng), flags)
	return err
}

func (f *fsxFile) close(i int) error {
	o := f.opens[i]
	f.note("close flags %#x", o.flags)
	f.opens = slices.Delete(f.opens, i, i+1)
	return unix.Close(o.fd)
}

// stat looks at the file by a descriptor or by each of its names.
func (r *fsxRun) stat(f *fsxFile) error {
	var first unix.Stat_t
	for i, name := range f.names {
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := f.checkStat(name, &st); err != nil {
			return err
		}
		if i == 0 {
			first = st
		} else if st.Ino != first.Ino {
			return fmt.Errorf("%s is inode %d, %s is %d", name, st.Ino, f.names[0], first.Ino)
		}
	}
	for _, o := range f.opens {
		var st unix.Stat_t
		if err := unix.Fstat(o.fd, &st); err != nil {
			return fmt.Errorf("fstat: %w", err)
		}
		if err := f.checkStat("fstat", &st); err != nil {
			return err
		}
	}
	// And after the filesystem was asked, whatever the kernel knows.
	var asked unix.Statx_t
	flags := unix.AT_SYMLINK_NOFOLLOW | unix.AT_STATX_FORCE_SYNC
	if err := unix.Statx(unix.AT_FDCWD, f.name(r.rng), flags, unix.STATX_BASIC_STATS, &asked); err != nil {
		return fmt.Errorf("statx: %w", err)
	}
	return f.checkStat("statx", &unix.Stat_t{Size: int64(asked.Size), Nlink: uint64(asked.Nlink)})
}

func (f *fsxFile) checkStat(how string, st *unix.Stat_t) error {
	if st.Size != int64(len(f.data)) || int(st.Nlink) != len(f.names) {
		return fmt.Errorf("%s: size %d, %d links; expected %d, %d", how, st.Size, st.Nlink, len(f.data), len(f.names))
	}
	return nil
}

// links gives the file another name or takes one away.
func (r *fsxRun) links(f *fsxFile) error {
	if len(f.names) == 1 || len(f.names) < 3 && r.rng.IntN(2) == 0 {
		if err := r.copyUp(f); err != nil {
			return err
		}
		name := r.newName("link")
		f.note("link to %s", filepath.Base(name))
		if err := unix.Link(f.name(r.rng), name); err != nil {
			return err
		}
		f.names = append(f.names, name)
		return nil
	}
	i := r.rng.IntN(len(f.names))
	f.note("unlink %s", filepath.Base(f.names[i]))
	if err := unix.Unlink(f.names[i]); err != nil {
		return err
	}
	f.names = slices.Delete(f.names, i, i+1)
	return nil
}

func (r *fsxRun) newName(kind string) string {
	r.made++
	return filepath.Join(r.Dir, fmt.Sprintf("%s%d", kind, r.made))
}

func (r *fsxRun) rename(f *fsxFile) error {
	if err := r.copyUp(f); err != nil {
		return err
	}
	i, name := r.rng.IntN(len(f.names)), r.newName("moved")
	f.note("rename %s to %s", filepath.Base(f.names[i]), filepath.Base(name))
	if err := unix.Rename(f.names[i], name); err != nil {
		return err
	}
	f.names[i] = name
	return nil
}

// replace puts a new file in the place of one name, as editors do, and goes on with the new one. Other names go: they
// are the old file's.
func (r *fsxRun) replace(f *fsxFile) error {
	if err := f.closeAll(); err != nil {
		return err
	}
	f.lower = false
	f.generation++
	content := r.random(make([]byte, r.rng.IntN(3*fsxPage)))
	name := r.newName("tmp")
	f.note("replaced by %d new bytes", len(content))
	if err := os.WriteFile(name, content, 0o644); err != nil {
		return err
	}
	if err := unix.Rename(name, f.names[0]); err != nil {
		return err
	}
	for _, other := range f.names[1:] {
		if err := unix.Unlink(other); err != nil {
			return err
		}
	}
	f.names = f.names[:1]
	f.data = append(f.data[:0], content...)
	return nil
}
