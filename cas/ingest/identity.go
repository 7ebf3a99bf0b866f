package ingest

import (
	"time"

	"github.com/casview/casview/cas/tree"
	"golang.org/x/sys/unix"
)

// identity is what tells whether a file is the one that was seen before, with the content it had: the kernel sets a new
// ctime whenever content or attributes change.
type identity struct {
	dev, ino     uint64
	size         int64
	mtime, ctime stamp
}

// stamp is a time as the kernel gives it.
type stamp struct {
	sec  int64
	nsec int32
}

func identityOf(st *unix.Stat_t) identity {
	return identity{
		dev: uint64(st.Dev), ino: st.Ino, size: st.Size,
		mtime: stampOf(st.Mtim), ctime: stampOf(st.Ctim),
	}
}

func stampOf(ts unix.Timespec) stamp {
	sec, nsec := ts.Unix()
	return stamp{sec: sec, nsec: int32(nsec)}
}

// racyMargin is more than the coarsest timestamps of a filesystem (2 s on FAT) and than the kernel's clock tick.
const racyMargin = 3 * time.Second

// settledAt reports whether any change after t gives the file another identity. If it was changed shortly before t, one
// more change within the same tick of the filesystem's clock would show in neither timestamp. A timestamp in the future
// shows nothing at all.
func (id identity) settledAt(t time.Time) bool {
	latest := t.Add(-racyMargin)
	return id.mtime.time().Before(latest) && id.ctime.time().Before(latest)
}

func (s stamp) time() time.Time { return time.Unix(s.sec, int64(s.nsec)) }

// setAttributes copies mode and mtime.
func setAttributes(e *tree.Entry, st *unix.Stat_t) {
	e.Mode = st.Mode & 0o7777
	setMtime(e, st)
}

func setMtime(e *tree.Entry, st *unix.Stat_t) {
	m := stampOf(st.Mtim)
	e.MtimeSec, e.MtimeNsec = m.sec, m.nsec
}

// typeName names what st is, as results do.
func typeName(st *unix.Stat_t) string {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "file"
	case unix.S_IFDIR:
		return "dir"
	case unix.S_IFLNK:
		return "symlink"
	case unix.S_IFSOCK:
		return "socket"
	case unix.S_IFIFO:
		return "fifo"
	case unix.S_IFCHR:
		return "chardev"
	case unix.S_IFBLK:
		return "blockdev"
	}
	return "unknown"
}
