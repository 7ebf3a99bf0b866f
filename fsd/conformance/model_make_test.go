package conformance

import "golang.org/x/sys/unix"

// How the generator fills a step for each kind of operation.

func makePath(g *generator, s *step) {
	s.path = g.source()
	if !g.oneIn(4) {
		s.path = g.file()
	}
}

func makeFD(g *generator, s *step) { s.fd = g.openFile() }

func makeOpen(g *generator, s *step) {
	s.fd = g.IntN(maxFiles)
	s.flags = pick(g, unix.O_RDONLY, unix.O_RDWR, unix.O_RDWR, unix.O_RDWR, unix.O_WRONLY)
	s.path = g.file()
	switch g.IntN(6) {
	case 0:
		s.path = g.source()
	case 1, 2:
		s.path, s.mode = g.target(), pick[uint32](g, 0o666, 0o600, 0o4777, 0)
		s.flags |= unix.O_CREAT
		if g.oneIn(3) {
			s.flags |= unix.O_EXCL
		}
	}
	for _, more := range []struct{ once, flag int }{
		{5, unix.O_TRUNC}, {5, unix.O_APPEND}, {15, unix.O_NOFOLLOW}, {40, unix.O_DIRECTORY},
	} {
		if g.oneIn(more.once) {
			s.flags |= more.flag
		}
	}
}

func makeTmpfile(g *generator, s *step) {
	s.fd, s.path, s.mode = g.IntN(maxFiles), g.dir(), 0o640
	s.flags = unix.O_TMPFILE | pick(g, unix.O_RDWR, unix.O_WRONLY)
	if g.oneIn(5) {
		s.flags |= unix.O_EXCL
	}
	if g.oneIn(8) {
		s.path = g.source()
	}
}

func makeRange(g *generator, s *step) {
	s.fd = g.openFile()
	s.off, s.n, s.data = g.offsetIn(s.fd), g.length(), byte(g.Uint32())
}

func makeSeek(g *generator, s *step) {
	s.fd, s.off, s.flags = g.openFile(), g.offset(), pick(g, unix.SEEK_SET, unix.SEEK_CUR, unix.SEEK_END)
	if g.oneIn(4) {
		s.off = -s.off
	}
}

func makeFallocate(g *generator, s *step) {
	makeRange(g, s)
	s.flags = pick(g, 0, unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE,
		unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE, unix.FALLOC_FL_ZERO_RANGE, unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE)
}

func makeCopy(g *generator, s *step) {
	makeRange(g, s)
	s.fd, s.fd2 = g.openRDWR(), g.openFile()
	s.off = g.offsetIn(s.fd)
	s.off2 = g.offsetIn(s.fd2)
}

func makeTruncate(g *generator, s *step) {
	makePath(g, s)
	s.off = g.offset()
}

func makeContent(g *generator, s *step) {
	makePath(g, s)
	s.n, s.data = g.length(), byte(g.Uint32())
	if g.oneIn(4) {
		s.path = g.target()
	}
}

func makeRename(g *generator, s *step) {
	s.path, s.path2 = g.source(), g.target()
	switch g.IntN(6) {
	case 0, 1:
		s.path = g.dir()
	case 2:
		s.path, s.path2 = g.dir(), g.dir()
	case 3:
		s.path2 = g.any()
	}
	switch g.IntN(8) {
	case 0:
		s.flags = unix.RENAME_NOREPLACE
	case 1:
		s.flags, s.path2 = unix.RENAME_EXCHANGE, g.any()
	}
	if g.oneIn(20) {
		s.path2 = s.path + "/" + g.name() // into itself
	}
}

func makeLink(g *generator, s *step) {
	s.path, s.path2, s.flags = g.file(), g.target(), pick(g, 0, 0, unix.AT_SYMLINK_FOLLOW)
	if g.oneIn(4) {
		s.path = g.source()
	}
}

func makeLinkFD(g *generator, s *step) { s.fd, s.path = g.openFile(), g.target() }

func makeUnlink(g *generator, s *step) {
	s.path = g.source()
	if g.oneIn(3) {
		s.path = g.file()
	}
}

func makeNew(g *generator, s *step) {
	s.path, s.mode = g.target(), pick[uint32](g, 0o777, 0o755, 0o700, 0o1777, 0o2755)
}

func makeMknod(g *generator, s *step) {
	s.path = g.target()
	s.mode = pick[uint32](g, unix.S_IFIFO, unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFREG) | pick[uint32](g, 0o644, 0o666, 0o600)
}

func makeRmdir(g *generator, s *step) {
	s.path = g.emptyDir()
	if g.oneIn(3) {
		s.path = g.source()
	}
}

func makeDir(g *generator, s *step) {
	s.path = g.dir()
	if g.oneIn(8) {
		s.path = g.source()
	}
}

func makeRemoveAll(g *generator, s *step) {
	makeDir(g, s)
	if s.path == "" {
		s.path = g.any()
	}
}

func makeSymlink(g *generator, s *step) {
	s.path, s.path2 = pick(g, g.name(), g.any(), "new1", "../new2", "f1/", "."), g.target()
}

func makeReadlink(g *generator, s *step) {
	s.path = g.link()
	if g.oneIn(5) {
		s.path = g.source()
	}
}

func makeFollow(g *generator, s *step) {
	s.path, s.flags = g.source(), pick(g, 0, unix.AT_SYMLINK_NOFOLLOW)
}

func makeMode(g *generator, s *step) { s.path, s.mode = g.source(), g.mode() }

func makeFDMode(g *generator, s *step) { s.fd, s.mode = g.openFile(), g.mode() }

func (g *generator) mode() uint32 {
	return pick[uint32](g, 0o644, 0o600, 0o755, 0o444, 0, 0o4755, 0o2755, 0o1777, 0o777, 0o6711)
}

func makeOwner(g *generator, s *step) {
	makeFollow(g, s)
	s.uid, s.gid = pick(g, 0, 1, 2, -1), pick(g, 0, 1, 2, -1)
}

func makeTimes(g *generator, s *step) {
	makeFollow(g, s)
	s.times[0], s.times[1] = g.time(), g.time()
}

func makeFDTimes(g *generator, s *step) {
	s.fd, s.times[0], s.times[1] = g.openFile(), g.time(), g.time()
}

func makeXattr(g *generator, s *step) {
	s.path = g.source()
	g.attr(s)
	if s.op.name == "setxattr" {
		g.attrs = append(g.attrs, s.path)
	} else if len(g.attrs) > 0 && !g.oneIn(3) {
		s.path = pick(g, g.attrs...)
	}
}

func makeFDXattr(g *generator, s *step) {
	s.fd = g.openFile()
	g.attr(s)
}

func (g *generator) attr(s *step) {
	s.name, s.n, s.data = pick(g, "user.a", "user.a", "user.casview"), pick(g, 0, 1, 60, 60), byte(g.Uint32())
	s.flags = pick(g, 0, 0, 0, unix.XATTR_CREATE, unix.XATTR_REPLACE)
}

func makeMmap(g *generator, s *step) {
	s.fd, s.fd2 = g.openRDWR(), g.IntN(maxMaps)
	s.flags = pick(g, unix.PROT_READ, unix.PROT_READ|unix.PROT_WRITE, unix.PROT_READ|unix.PROT_WRITE)
	s.n = pick(g, 1, 4096, 8192, 65536, 140_000)
}

func makeMapRange(g *generator, s *step) {
	s.fd2, s.off, s.n, s.data = g.openMap(), g.offset(), g.length(), byte(g.Uint32())
}

func makeDirAt(g *generator, s *step) {
	s.fd2, s.n = g.openDir(), g.IntN(100)
	if s.op.name == "opendir" {
		s.fd2 = g.IntN(maxDirs)
		makeDir(g, s)
		if g.oneIn(2) {
			s.path = g.home
		}
	}
}

func makeNameAt(g *generator, s *step) {
	s.fd2, s.name, s.mode, s.n, s.data = g.openDir(), g.name(), pick[uint32](g, 0o666, 0o777), g.length(), byte(g.Uint32())
	s.flags = pick(g, 0, 0, unix.AT_REMOVEDIR)
	if r := g.world.dirs[s.fd2]; r != nil && s.op.name == "unlinkat" && !g.oneIn(4) {
		_, s.name = split(g.among(g.children(r.path)))
	}
}
