package view

import "sync/atomic"

// op is a kind of request that the view answers.
type op int

const (
	opLookup op = iota
	opGetattr
	opSetattr
	opReadlink
	opSymlink
	opMknod
	opMkdir
	opUnlink
	opRmdir
	opRename
	opLink
	opCreate
	opTmpfile
	opOpen
	opRead
	opWrite
	opFlush
	opRelease
	opFsync
	opFallocate
	opCopyFileRange
	opLseek
	opIoctl
	opAccess
	opOpendir
	opReaddir
	opReaddirplus
	opReleasedir
	opFsyncdir
	opStatfs
	opCount
)

// opNames are the names of result.json's fuse_requests: the protocol's, in lower case.
var opNames = [opCount]string{
	opLookup: "lookup", opGetattr: "getattr", opSetattr: "setattr", opReadlink: "readlink", opSymlink: "symlink",
	opMknod: "mknod", opMkdir: "mkdir", opUnlink: "unlink", opRmdir: "rmdir", opRename: "rename", opLink: "link",
	opCreate: "create", opTmpfile: "tmpfile", opOpen: "open", opRead: "read", opWrite: "write", opFlush: "flush",
	opRelease: "release", opFsync: "fsync", opFallocate: "fallocate", opCopyFileRange: "copy_file_range",
	opLseek: "lseek", opIoctl: "ioctl", opAccess: "access", opOpendir: "opendir",
	opReaddir: "readdir", opReaddirplus: "readdirplus", opReleasedir: "releasedir", opFsyncdir: "fsyncdir",
	opStatfs: "statfs",
}

type requests [opCount]atomic.Uint64

func (r *requests) count(o op) { r[o].Add(1) }

// Requests returns how many requests the kernel has sent, by the protocol's names in lower case ("lookup", "read",
// "readdirplus"); what was never sent is left out. Each is one round trip of the job. Not counted are those that nobody
// waits for (forget), those that go-fuse answers by itself (init, interrupt, poll, statx) and the ones that cost one
// request for the whole life of the view (extended attributes).
func (v *View) Requests() map[string]uint64 {
	counts := map[string]uint64{}
	for o := range opCount {
		if n := v.requests[o].Load(); n > 0 {
			counts[opNames[o]] = n
		}
	}
	return counts
}
