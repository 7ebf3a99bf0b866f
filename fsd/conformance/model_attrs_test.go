package conformance

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// attrOperations look at attributes and change them.
func attrOperations() []*operation {
	return []*operation{
		{name: "stat", weight: 8, make: makeFollow, do: doStat, show: showFollow},
		{name: "fstat", needs: aFile, weight: 4, make: makeFD, show: showFD,
			do: func(w *world, s *step) outcome { return looked(statFD(w.fd(s.fd), w.mask())) }},
		{name: "chmod", weight: 5, make: makeMode, show: showMode,
			do: func(w *world, s *step) outcome { return failed(unix.Chmod(w.at(s.path), s.mode)) }},
		{name: "fchmod", needs: aFile, weight: 2, make: makeFDMode, do: doFchmod,
			show: func(s *step) string { return fmt.Sprintf("fd%d %04o", s.fd, s.mode) }},
		{name: "chown", weight: 3, make: makeOwner,
			do: func(w *world, s *step) outcome {
				return failed(unix.Fchownat(unix.AT_FDCWD, w.at(s.path), s.uid, s.gid, s.flags))
			},
			show: func(s *step) string { return fmt.Sprintf("%s %d:%d", showFollow(s), s.uid, s.gid) }},
		{name: "utimensat", weight: 5, make: makeTimes, show: showTimes,
			do: func(w *world, s *step) outcome {
				return failed(unix.UtimesNanoAt(unix.AT_FDCWD, w.at(s.path), s.times[:], s.flags))
			}},
		{name: "futimens", needs: aFile, weight: 2, make: makeFDTimes, do: doFutimens,
			show: func(s *step) string { return fmt.Sprintf("fd%d %v", s.fd, s.times[1]) }},
		{name: "setxattr", weight: 6, make: makeXattr, do: doSetxattr, show: showXattr},
		{name: "getxattr", weight: 3, make: makeXattr, do: doGetxattr, show: showXattr},
		{name: "listxattr", weight: 2, make: makeXattr, do: doListxattr, show: showXattr},
		{name: "removexattr", weight: 3, make: makeXattr, show: showXattr,
			do: func(w *world, s *step) outcome { return failed(unix.Lremovexattr(w.at(s.path), s.name)) }},
		{name: "fsetxattr", needs: aFile, weight: 2, make: makeFDXattr, do: doFsetxattr, show: showFDXattr},
		{name: "fgetxattr", needs: aFile, weight: 1, make: makeFDXattr, do: doFgetxattr, show: showFDXattr},
	}
}

func showFollow(s *step) string {
	return quote(s.path) + " " + flagNames(s.flags, []flagName{{"NOFOLLOW", unix.AT_SYMLINK_NOFOLLOW}})
}

func showTimes(s *step) string { return fmt.Sprintf("%s %v", showFollow(s), s.times[1]) }

func looked(n *node, err error) outcome {
	o := failed(err)
	o.seen = n
	return o
}

func doStat(w *world, s *step) outcome { return looked(statPath(w.at(s.path), s.flags, w.mask())) }

func doFchmod(w *world, s *step) outcome { return failed(unix.Fchmod(w.fd(s.fd), s.mode)) }

// doFutimens goes through the descriptor's place in /proc, as glibc does where there is no futimens.
func doFutimens(w *world, s *step) outcome {
	if w.files[s.fd] == nil {
		return failed(unix.EBADF)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", w.fd(s.fd))
	return failed(unix.UtimesNanoAt(unix.AT_FDCWD, path, s.times[:], 0))
}

func xattrFlags() []flagName {
	return []flagName{{"CREATE", unix.XATTR_CREATE}, {"REPLACE", unix.XATTR_REPLACE}}
}

func showXattr(s *step) string {
	return fmt.Sprintf("%s %s n=%d %s", quote(s.path), s.name, s.n, flagNames(s.flags, xattrFlags()))
}

func showFDXattr(s *step) string {
	return fmt.Sprintf("fd%d %s n=%d %s", s.fd, s.name, s.n, flagNames(s.flags, xattrFlags()))
}

func doSetxattr(w *world, s *step) outcome {
	return failed(unix.Lsetxattr(w.at(s.path), s.name, fill(s.n, s.data), s.flags))
}

func doGetxattr(w *world, s *step) outcome {
	buf := make([]byte, s.n)
	n, err := unix.Lgetxattr(w.at(s.path), s.name, buf)
	if s.n == 0 { // the size is asked for
		return counted(n, err)
	}
	return readBytes(buf, n, err)
}

func doListxattr(w *world, s *step) outcome {
	names, err := listXattrs(func(b []byte) (int, error) { return unix.Llistxattr(w.at(s.path), b) })
	o := failed(err)
	o.data = strings.Join(names, " ")
	return o
}

func doFsetxattr(w *world, s *step) outcome {
	return failed(unix.Fsetxattr(w.fd(s.fd), s.name, fill(s.n, s.data), s.flags))
}

func doFgetxattr(w *world, s *step) outcome {
	buf := make([]byte, 256)
	n, err := unix.Fgetxattr(w.fd(s.fd), s.name, buf)
	return readBytes(buf, n, err)
}
