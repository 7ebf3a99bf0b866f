package conformance

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// nameOperations make, move and remove names.
func nameOperations() []*operation {
	return []*operation{
		{name: "rename", names: true, weight: 14, make: makeRename, show: showRename,
			do: func(w *world, s *step) outcome {
				return failed(unix.Renameat2(unix.AT_FDCWD, w.at(s.path), unix.AT_FDCWD, w.at(s.path2), uint(s.flags)))
			}},
		{name: "link", names: true, weight: 7, make: makeLink, show: showLink,
			do: func(w *world, s *step) outcome {
				return failed(unix.Linkat(unix.AT_FDCWD, w.at(s.path), unix.AT_FDCWD, w.at(s.path2), s.flags))
			}},
		{name: "linkFD", needs: aFile, names: true, weight: 4, make: makeLinkFD, do: doLinkFD,
			show: func(s *step) string { return fmt.Sprintf("fd%d %s", s.fd, quote(s.path)) }},
		{name: "unlink", names: true, weight: 8, make: makeUnlink, show: showPath,
			do: func(w *world, s *step) outcome { return failed(unix.Unlink(w.at(s.path))) }},
		{name: "mkdir", names: true, weight: 7, make: makeNew, show: showMode,
			do: func(w *world, s *step) outcome { return failed(unix.Mkdir(w.at(s.path), s.mode)) }},
		{name: "rmdir", names: true, weight: 6, make: makeRmdir, show: showPath,
			do: func(w *world, s *step) outcome { return failed(unix.Rmdir(w.at(s.path))) }},
		{name: "removeAll", names: true, weight: 2, make: makeRemoveAll, do: doRemoveAll, show: showPath},
		{name: "symlink", names: true, weight: 5, make: makeSymlink, show: showPaths,
			do: func(w *world, s *step) outcome { return failed(unix.Symlink(s.path, w.at(s.path2))) }},
		{name: "readlink", weight: 3, make: makeReadlink, do: doReadlink, show: showPath},
		{name: "mknod", names: true, weight: 3, make: makeMknod, show: showMode,
			do: func(w *world, s *step) outcome { return failed(unix.Mknod(w.at(s.path), s.mode, 0)) }},
	}
}

func showMode(s *step) string { return fmt.Sprintf("%s %04o", quote(s.path), s.mode) }

func showRename(s *step) string {
	return showPaths(s) + " " + flagNames(s.flags, []flagName{{"NOREPLACE", unix.RENAME_NOREPLACE}, {"EXCHANGE", unix.RENAME_EXCHANGE}})
}

func showLink(s *step) string {
	return showPaths(s) + " " + flagNames(s.flags, []flagName{{"FOLLOW", unix.AT_SYMLINK_FOLLOW}})
}

// doLinkFD gives a descriptor's file a name, as a program does with what it wrote to an O_TMPFILE.
func doLinkFD(w *world, s *step) outcome {
	path := fmt.Sprintf("/proc/self/fd/%d", w.fd(s.fd))
	return failed(unix.Linkat(unix.AT_FDCWD, path, unix.AT_FDCWD, w.at(s.path), unix.AT_SYMLINK_FOLLOW))
}

// doRemoveAll empties a directory and removes it. It says how many names went, if all did: one that can't be removed may be
// met sooner or later.
func doRemoveAll(w *world, s *step) outcome {
	removed := 0
	if err := removeAll(w.at(s.path), &removed); err != nil {
		return failed(err)
	}
	return counted(removed, nil)
}

func removeAll(dir string, removed *int) error {
	entries, err := listDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		full := dir + "/" + e.name
		if e.dots() {
			continue
		}
		if e.kind == unix.DT_DIR {
			if err := removeAll(full, removed); err != nil {
				return err
			}
			continue
		}
		if err := unix.Unlink(full); err != nil {
			return err
		}
		*removed++
	}
	if err := unix.Rmdir(dir); err != nil {
		return err
	}
	*removed++
	return nil
}

func doReadlink(w *world, s *step) outcome {
	buf := make([]byte, 4096)
	n, err := unix.Readlink(w.at(s.path), buf)
	return readBytes(buf, n, err)
}
