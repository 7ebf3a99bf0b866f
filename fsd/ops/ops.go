// Package ops counts the requests that the kernel sends to a filesystem, by their names in the FUSE protocol. Each of them
// is one round trip of the job, and a count is exact where a time is not.
package ops

import "sync/atomic"

// Op is a kind of request.
type Op int

// The requests that are counted. Not counted are those that nobody waits for (forget) and those that go-fuse answers by
// itself (init, interrupt, poll, statx).
const (
	Lookup Op = iota
	Getattr
	Setattr
	Readlink
	Symlink
	Mknod
	Mkdir
	Unlink
	Rmdir
	Rename
	Link
	Create
	Tmpfile
	Open
	Read
	Write
	Flush
	Release
	Fsync
	Fallocate
	CopyFileRange
	Lseek
	Ioctl
	Access
	Opendir
	Readdir
	Readdirplus
	Releasedir
	Fsyncdir
	Statfs
	Getxattr
	Listxattr
	Setxattr
	Removexattr
	count
)

// names are the protocol's, in lower case.
var names = [count]string{
	Lookup: "lookup", Getattr: "getattr", Setattr: "setattr", Readlink: "readlink", Symlink: "symlink",
	Mknod: "mknod", Mkdir: "mkdir", Unlink: "unlink", Rmdir: "rmdir", Rename: "rename", Link: "link",
	Create: "create", Tmpfile: "tmpfile", Open: "open", Read: "read", Write: "write", Flush: "flush",
	Release: "release", Fsync: "fsync", Fallocate: "fallocate", CopyFileRange: "copy_file_range",
	Lseek: "lseek", Ioctl: "ioctl", Access: "access", Opendir: "opendir",
	Readdir: "readdir", Readdirplus: "readdirplus", Releasedir: "releasedir", Fsyncdir: "fsyncdir",
	Statfs: "statfs", Getxattr: "getxattr", Listxattr: "listxattr", Setxattr: "setxattr", Removexattr: "removexattr",
}

// Counter counts requests. The zero value has seen none. It may be used concurrently.
type Counter [count]atomic.Uint64

// Count adds one request.
func (c *Counter) Count(o Op) { c[o].Add(1) }

// Requests returns the counts by the protocol's names in lower case ("lookup", "read", "readdirplus"); what was never sent
// is left out.
func (c *Counter) Requests() map[string]uint64 {
	counts := map[string]uint64{}
	for o := range count {
		if n := c[o].Load(); n > 0 {
			counts[names[o]] = n
		}
	}
	return counts
}
