package conformance

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// node is a path of a tree as a job sees it.
type node struct {
	Path     string
	Mode     uint32 // with the type
	UID, GID uint32
	Links    uint32 // zero for a directory: filesystems count its subdirectories, or don't
	Size     int64  // of a file or symlink
	Sec      int64
	Nsec     uint32
	Dev      string
	Ino      uint64
	BornSec  int64 // with the inode number it tells an inode from an earlier one
	BornNsec uint32
	Sum      [sha256.Size]byte
	Target   string
	Xattrs   string // user.*, sorted
}

func (n *node) kind() uint32 { return n.Mode & unix.S_IFMT }

func (n *node) String() string {
	return fmt.Sprintf("%o %d:%d links=%d size=%d mtime=%d.%09d ino=%#x", n.Mode, n.UID, n.GID, n.Links, n.Size, n.Sec, n.Nsec, n.Ino)
}

// nodeOf makes a node of a statx answer.
func nodeOf(st *unix.Statx_t) *node {
	n := &node{
		Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid, Links: st.Nlink, Size: int64(st.Size),
		Sec: st.Mtime.Sec, Nsec: st.Mtime.Nsec, Ino: st.Ino, Dev: fmt.Sprintf("%d:%d", st.Dev_major, st.Dev_minor),
		BornSec: st.Btime.Sec, BornNsec: st.Btime.Nsec,
	}
	switch n.kind() {
	case unix.S_IFDIR:
		n.Links, n.Size = 0, 0
	case unix.S_IFREG, unix.S_IFLNK:
	default:
		n.Size = 0
	}
	return n
}

// What to ask for. A job asks for what stat(2) does; when a file was made only matters in the plain directory.
const (
	viewStat  = unix.STATX_BASIC_STATS
	plainStat = viewStat | unix.STATX_BTIME
	noFollow  = unix.AT_SYMLINK_NOFOLLOW
)

// statPath is stat, or with AT_SYMLINK_NOFOLLOW lstat.
func statPath(path string, flags, mask int) (*node, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, flags, mask, &st); err != nil {
		return nil, err
	}
	return nodeOf(&st), nil
}

func statFD(fd, mask int) (*node, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, mask, &st); err != nil {
		return nil, err
	}
	return nodeOf(&st), nil
}

// anyTime is a slack with which times are not compared.
const anyTime = time.Duration(-1)

// differs says in what a node of the view is not as the plain directory's, or "".
func (n *node) differs(plain *node, slack time.Duration) string {
	switch {
	case n.kind() != plain.kind():
		return "type"
	case n.Mode != plain.Mode:
		return "mode"
	case n.UID != plain.UID || n.GID != plain.GID:
		return "owner"
	case n.Links != plain.Links:
		return "link count"
	case n.Size != plain.Size:
		return "size"
	case n.Sum != plain.Sum:
		return "content"
	case n.Target != plain.Target:
		return "target"
	case n.Xattrs != plain.Xattrs:
		return fmt.Sprintf("xattrs (%s, on disk %s)", n.Xattrs, plain.Xattrs)
	case slack != anyTime && !n.timeFits(plain, slack):
		return "mtime"
	}
	return ""
}

// clockSlack is more than a tick: kernels take file times from a clock that ticks every 1 to 10 ms.
const clockSlack = 20 * time.Millisecond

// timeFits compares mtimes. One that the plain directory did not get now was set, or is an input's: then it is the same.
// Else each world took it from the clock, in the same step. The view may be late, since it may do the writing later, but
// not earlier than by the slack: a tool that compares times would take a changed file for an old one.
func (n *node) timeFits(plain *node, slack time.Duration) bool {
	now := time.Now()
	view, disk := time.Unix(n.Sec, int64(n.Nsec)), time.Unix(plain.Sec, int64(plain.Nsec))
	if disk.Before(now.Add(-time.Hour)) || disk.After(now.Add(time.Hour)) {
		return view.Equal(disk)
	}
	return !view.Before(disk.Add(-slack)) && !view.After(now.Add(slack))
}

// snapshot reads a tree, its root first, then by path.
func snapshot(dir string, mask int) ([]node, error) {
	var all []node
	err := addNodes(&all, dir, "", mask)
	return all, err
}

func addNodes(all *[]node, dir, path string, mask int) error {
	full := dir + "/" + path
	n, err := statPath(full, noFollow, mask)
	if err != nil {
		return &os.PathError{Op: "lstat", Path: full, Err: err}
	}
	n.Path = path
	if n.Xattrs, err = userXattrs(full); err != nil {
		return &os.PathError{Op: "xattrs", Path: full, Err: err}
	}
	switch n.kind() {
	case unix.S_IFREG:
		content, err := os.ReadFile(full)
		if err != nil {
			return err
		}
		n.Sum = sha256.Sum256(content)
	case unix.S_IFLNK:
		if n.Target, err = os.Readlink(full); err != nil {
			return err
		}
	}
	*all = append(*all, *n)
	if n.kind() != unix.S_IFDIR {
		return nil
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := addNodes(all, dir, below(path, e.Name()), mask); err != nil {
			return err
		}
	}
	return nil
}

// userXattrs shows the user.* attributes of a path. The staging tree's own marks must not be among them.
func userXattrs(path string) (string, error) {
	names, err := listXattrs(func(b []byte) (int, error) { return unix.Llistxattr(path, b) })
	if errors.Is(err, unix.ENOTSUP) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var all []string
	for _, name := range names {
		buf := make([]byte, 4096)
		n, err := unix.Lgetxattr(path, name, buf)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, fmt.Sprintf("%s=%q", name, buf[:n]))
	}
	return strings.Join(all, " "), nil
}

// listXattrs are the names of user.* attributes, sorted.
func listXattrs(list func([]byte) (int, error)) ([]string, error) {
	buf := make([]byte, 4096)
	n, err := list(buf)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(string(buf[:n]), "\x00") {
		if strings.HasPrefix(name, "user.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
