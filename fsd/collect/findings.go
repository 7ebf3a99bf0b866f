package collect

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
)

// output is one entry that may be listed.
type output struct {
	result.Entry
	// staged is the inode in the staging tree. It is zero for a moved input, whose bytes were never there, and for a file
	// that an earlier collection has moved into the store.
	staged version
	linked bool // the inode has more names
	// planned says that an earlier collection has hashed it and put it into its plan.
	planned bool
	adopted bool  // the staged file is a blob
	err     error // why it can't be listed
}

func (o *output) isStaged() bool { return o.staged.id != fileID{} }

// special is something staged that no store can hold.
type special struct {
	path string
	kind string
}

// findings is what the walk found. Paths are in the order of the walk.
type findings struct {
	outputs  []output
	special  []special
	modified []string
	deleted  []string
	made     map[string]struct{} // paths that exist now and were not declared
	problems []problem
}

// problem is something that did not work at a path; it becomes one line of the result's errors.
type problem struct {
	path string
	err  error
}

func (p problem) String() string { return show(p.path) + ": " + p.err.Error() }

func stagedOutput(path string, st *unix.Stat_t, kind result.Kind) output {
	o := output{staged: versionOf(st), linked: kind == result.File && st.Nlink > 1}
	o.Entry = result.Entry{Path: path, Kind: kind, MtimeSec: st.Mtim.Sec, MtimeNsec: int32(st.Mtim.Nsec)}
	switch kind {
	case result.Symlink:
		o.Mode = symlinkMode
	case result.File:
		o.Size = st.Size
		fallthrough
	default:
		o.Mode = st.Mode & permissions
	}
	return o
}

// movedOutput is an input that stands at another path now.
func movedOutput(path string, e tree.Entry) output {
	o := output{Entry: result.Entry{Path: path, Kind: result.File, Hash: e.Digest, Size: e.Size, Mode: e.Mode, MtimeSec: e.MtimeSec, MtimeNsec: e.MtimeNsec}}
	if e.Kind == tree.Symlink {
		o.Kind, o.Target, o.Mode = result.Symlink, e.Target, symlinkMode
	}
	return o
}

const (
	permissions = 0o7777
	symlinkMode = 0o777
)

// specialKind names what is neither file, directory nor symlink, as the result calls it.
func specialKind(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return "fifo"
	case unix.S_IFSOCK:
		return "socket"
	case unix.S_IFCHR:
		return "char device"
	case unix.S_IFBLK:
		return "block device"
	}
	return "file of unknown type"
}

// show is a path in an error: as it is, or quoted where that would not be one readable line.
func show(path string) string {
	if path == "" {
		return "the view's root"
	}
	if utf8.ValidString(path) && strings.IndexFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return path
	}
	return strconv.Quote(path)
}
