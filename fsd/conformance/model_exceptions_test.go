package conformance

import (
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// exception is a difference of one driver from a local disk that is known and stays.
type exception struct {
	driver    string // a staging driver, whatever way it moves data
	name, why string
	// avoid says that a step is not to be done.
	avoid func(p *pair, s *step) bool
	// refused says that the view did nothing, and the plain directory shall not either.
	refused func(p *pair, s *step, o outcome) bool
	// repair makes the trees equal again after a step, if they may not be. It says whether it was needed.
	repair func(p *pair, s *step, o outcome) bool
	// excuse overlooks a difference: it makes what the view has said into what the disk says.
	excuse func(view, plain *node) bool
	// renumbers says that an inode may get another number, or have several.
	renumbers func(p *pair) bool
}

// exceptions are all of them.
func exceptions() []exception {
	const pipes = "what goes through a fifo stays in the kernel, which changes the time of its own inode and tells nobody"
	return []exception{
		{driver: "overlay", name: "time of a fifo that was written to", why: pipes, excuse: fifoTime},
		{driver: "fuse", name: "time of a fifo that was written to", why: pipes, excuse: fifoTime},
		{
			driver: "overlay", name: "attributes of an input",
			why: "the view answers no request for extended attributes, so that reading them costs none; overlayfs passes ENOTSUP " +
				"on until the file is copied up",
			refused: func(_ *pair, s *step, o outcome) bool {
				attrs := []string{"getxattr", "fgetxattr", "listxattr", "removexattr"}
				return slices.Contains(attrs, s.op.name) && o.errno == unix.ENOTSUP
			},
		},
		{
			driver: "overlay", name: "link count of an open input without a name",
			why: "without an index overlayfs shows the link count of the file in its layer, and nothing removes it from the lower one",
			excuse: func(view, plain *node) bool {
				if plain.Links != 0 || view.Links != 1 {
					return false
				}
				view.Links = 0
				return true
			},
		},
		{
			driver: "overlay", name: "attributes of an open input without a name",
			why: "overlayfs copies a file up before it changes its attributes, and there is no name to copy it to",
			refused: func(_ *pair, s *step, o outcome) bool {
				attrs := []string{"fchmod", "fsetxattr", "futimens"}
				errs := []unix.Errno{unix.ENOENT, unix.EEXIST, unix.ENOTDIR}
				return slices.Contains(attrs, s.op.name) && slices.Contains(errs, o.errno)
			},
		},
		{
			driver: "overlay", name: "mapping of an input by a descriptor for reading",
			why: "it stays a mapping of the input when the file is copied up: TestTrapMappingBeforeCopyUp",
			avoid: func(p *pair, s *step) bool {
				if s.op.name != "mmap" {
					return false
				}
				flags, err := unix.FcntlInt(uintptr(p.plain.fd(s.fd)), unix.F_GETFL, 0)
				return err == nil && flags&unix.O_ACCMODE == unix.O_RDONLY
			},
		},
		{
			driver: "overlay", name: "copy_file_range from an input",
			why: "to the kernel the view and the staging tree are two filesystems; tools read and write when they see EXDEV",
			refused: func(p *pair, s *step, o outcome) bool {
				if s.op.name != "copy_file_range" || o.errno != unix.EXDEV {
					return false
				}
				p.dropSetID(s.fd2)
				return true
			},
		},
		{
			driver: "fuse", name: "chown to nobody",
			why: "Linux clears the set-user-id bit even if neither owner nor group are named, but tells FUSE only that there was a " +
				"SETATTR; by a privileged process POSIX leaves it open",
			avoid: func(_ *pair, s *step) bool { return s.op.name == "chown" && s.uid == -1 && s.gid == -1 },
		},
		{
			driver: "overlay", name: "inode numbers in a user namespace",
			why: "overlayfs finds the input that a file was copied from by its handle, which the kernel opens for the first user " +
				"namespace only: a file that was copied up has its own number when it is looked up again, and the names of one may " +
				"have different ones",
			renumbers: func(*pair) bool { return inUserNamespaceNow() },
		},
		{
			driver: "overlay", name: "inode numbers where memory is short",
			why:       "when the kernel has dropped the input that a file was copied from, it is not found again: see \"File handles\" in fsd/view",
			renumbers: func(p *pair) bool { return p.shortOfMemory },
		},
		{
			driver: "overlay", name: "rename of one name onto another",
			why: "rename(2) does nothing where both are one inode. They are two where numbers don't stay, and overlayfs says ESTALE " +
				"when it finds one file below",
			refused: func(p *pair, s *step, o outcome) bool {
				return s.op.name == "rename" && o.errno == unix.ESTALE && !p.numbered()
			},
		},
		{
			driver: "overlay", name: "copy_file_range of a file with several inodes",
			why: "the kernel copies up to the size that overlayfs's inode has, which writing through another inode of the file " +
				"does not change; where numbers stay there is one inode",
			avoid: func(p *pair, s *step) bool {
				var st unix.Stat_t
				return s.op.name == "copy_file_range" && !p.numbered() && unix.Fstat(p.plain.fd(s.fd), &st) == nil && st.Nlink != 1
			},
		},
		{
			driver: "overlay", name: "renamed input directory in a user namespace",
			why: "the kernel allows redirect_dir in the first user namespace only; tools copy the directory when they see EXDEV",
			refused: func(_ *pair, s *step, o outcome) bool {
				return s.op.name == "rename" && o.errno == unix.EXDEV && inUserNamespaceNow()
			},
		},
		{
			driver: "overlay", name: "times after a refused rename",
			why: "overlayfs copies the directory up before the upper filesystem says ENOTEMPTY, and then its parent has changed",
			repair: func(p *pair, s *step, o outcome) bool {
				if s.op.name != "rename" || o.errno != unix.ENOTEMPTY {
					return false
				}
				p.setTime(path.Dir(s.path))
				return true
			},
		},
	}
}

func fifoTime(view, plain *node) bool {
	if plain.kind() != unix.S_IFIFO || view.Sec == plain.Sec && view.Nsec == plain.Nsec {
		return false
	}
	was, is := time.Unix(view.Sec, int64(view.Nsec)), time.Unix(plain.Sec, int64(plain.Nsec))
	if was.After(is) || time.Since(is) > time.Hour {
		return false
	}
	view.Sec, view.Nsec = plain.Sec, plain.Nsec
	return true
}

// setTime sets a directory's time in both.
func (p *pair) setTime(dir string) {
	times := []unix.Timespec{{Sec: inputTime}, {Sec: inputTime}}
	for _, w := range []*world{p.view, p.plain} {
		_ = unix.UtimesNanoAt(unix.AT_FDCWD, w.at(dir), times, 0)
	}
}

// dropSetID takes the set-id bits from the plain directory's file that the view's has lost: overlayfs removes them before it
// finds out that it can't copy, for a job without CAP_FSETID over the file, as every copy that works does.
func (p *pair) dropSetID(fd int) {
	var view, plain unix.Stat_t
	if unix.Fstat(p.view.fd(fd), &view) != nil || unix.Fstat(p.plain.fd(fd), &plain) != nil {
		return
	}
	const setID = unix.S_ISUID | unix.S_ISGID
	if lost := plain.Mode &^ view.Mode; lost != 0 && lost&^setID == 0 && inUserNamespaceNow() {
		_ = unix.Fchmod(p.plain.fd(fd), plain.Mode&^lost&0o7777)
	}
}

// avoided says that a step is not to be done.
func (p *pair) avoided(s *step) bool {
	return p.excepted(func(x exception) bool { return x.avoid != nil && x.avoid(p, s) })
}

// refused says that the view did nothing.
func (p *pair) refused(s *step, o outcome) bool {
	return p.excepted(func(x exception) bool { return x.refused != nil && x.refused(p, s, o) })
}

func (p *pair) repair(s *step, o outcome) {
	p.excepted(func(x exception) bool { return x.repair != nil && x.repair(p, s, o) })
}

// differ is node.differs, less what is excused.
func (p *pair) differ(view, plain *node) string {
	said := *view
	p.excepted(func(x exception) bool { return x.excuse != nil && x.excuse(&said, plain) })
	return said.differs(plain, p.slack(plain))
}

// numbered says that inodes keep their numbers.
func (p *pair) numbered() bool {
	return !slices.ContainsFunc(p.exceptions, func(x exception) bool { return x.renumbers != nil && x.renumbers(p) })
}

// excepted counts the first exception that applies.
func (p *pair) excepted(applies func(exception) bool) bool {
	for _, x := range p.exceptions {
		if applies(x) {
			p.excused[x.name]++
			return true
		}
	}
	return false
}
