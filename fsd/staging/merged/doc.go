// Package merged owns the read-write FUSE filesystem that serves a view and a staging tree as one: what overlayfs does in
// the kernel, where the kernel can't. Mounting it is up to package staging.
//
// # Layers
//
// The lower layer is a view (package view), the upper one a directory on disk in the format of an overlayfs upper directory
// (package upper). A name is looked for in upper first. What is found there hides the input of that name, unless both are
// directories: those are merged. Whoever only has upper finds everything that the job did: nothing about a name, a directory
// or a closed file is only in memory, so it is all there if the daemon dies.
//
//	whiteout             hides the input of its name
//	opaque directory     hides the input directory of its name
//	redirect             the directory is merged with the input directory at another path: it was renamed
//
// Upper holds a path only if something on it changed. Before that, a file is copied up: its content, mode and times, and
// before it the directories on the way. The copy is made in the work directory and moved to its place when it is whole. The
// directory that it comes to keeps its times, since to the job nothing has changed there.
//
// A directory that the job made needs the opaque mark only where an input directory of its name is below. It is made in
// work, marked there and then changes places with the whiteout. An input directory that is renamed gets a redirect instead
// of being copied, however large it is. Overlayfs does the same as root and says EXDEV in a user namespace; the mark here is
// read by collection only, so it is made in both.
//
// rmdir, and a rename onto an empty directory, move what is in the way to work first: it may be full of whiteouts. Between
// that and the whiteout for it an input directory can be seen in upper that the job has removed. If the daemon dies at
// that moment the result has it, and says that the daemon died.
//
// # Inodes and their numbers
//
// FUSE's node id is also st_ino. An input has the number that the view gave it, below 2^32, for the whole run: when it is
// copied up, when it is renamed, and when the kernel has forgotten it and asks again. For files that needs a table of those
// that were copied up; a directory's marks say which input directory it is. Anything else has 2^32 plus its inode number in
// upper. So hard links share one number and with it one inode in the kernel: one page cache and one set of locks.
//
// The table of nodes has what the kernel knows at the moment, with the names it was told of; FORGET takes nodes out. Inputs
// that nothing has happened to have no node, only a count, unless they are directories: the view knows the rest. A file is
// reached through any of its names, a directory through its own, and both by a descriptor if one is open. What loses its last
// name is opened before and stays open until FORGET: there is no hidden file in its place.
//
// # Data
//
// With Cached, reads come from the kernel's page cache and writes go through it: each write(2) is a WRITE, or several above
// 1 MiB, and returns what the staging tree has said. Size and times are those of the staged file; the kernel takes what it has
// of them for stale after each write.
//
// Only what a job stores to a shared mapping stays in the cache, until msync(2), munmap(2) or close(2) at the latest: fuse_flush
// and, for what is not closed but dropped, fuse_release and fuse_vma_close call write_inode_now. If that fails, for a full disk or
// a lost input, the job may never look: see Lost.
//
// FUSE_WRITEBACK_CACHE, with which the kernel collects small writes, is left alone. Each close(2) of any file then makes
// STATX_BLOCKS stale (fuse_flush, Linux 6.18), for which each stat(2) asks: 240 compiler runs that share 60 headers made 55,500
// GETATTR instead of 2,700. A Go build wrote in 2,700 requests instead of 950 and took as long; with its TMPDIR in the view in
// 26,200 instead of 1,400, and took a tenth longer. Errors came at close(2) only, times by SETATTR, late and once for each file,
// and what was being written was lost with the daemon.
//
// With Passthrough, the kernel reads and writes the staged file by itself once it is opened (Linux 6.9, and only with
// CAP_SYS_ADMIN of the host). Each open then is a request, and the kernel must be told to look at a file's times again. It
// can't be had for inputs: their content moves to another inode when they are copied up, and an inode has one backing file for
// as long as it is open. An inode that somebody has open through the cache is opened through the cache by everybody else, and
// the other way round: the two don't see each other's writes, and the kernel answers EIO when they are mixed. A file with a
// setuid or setgid bit is written through the cache, so that the daemon hears of it and clears the bit.
//
// # Zero-message opens
//
// With Cached, OPEN, OPENDIR, CREATE, FLUSH, FSYNC and FSYNCDIR are answered with ENOSYS and never come again: see package
// view. A new file is made by MKNOD. So a file that was used before is opened, read and closed without a request. The
// price is that an open for writing is not seen: an input is copied up by the first write, or at once where it is truncated.
// Copying up can fail if the input's blob is lost or the disk is full, and then it is write(2) that fails and not open(2). The
// run's result names the input.
//
// FSYNC is not needed because collection syncs the staging tree once, before it names anything: overlay is mounted volatile
// for the same reason.
//
// # What the kernel keeps
//
// Names, attributes, links and listings may be kept for ever, as in the view: whatever changes them comes through the same
// kernel, which knows what that makes stale. What does not come this way is told nobody: the staging tree must not be
// changed from outside. Unlike the view, the superblock is not read-only, so each first read of a file makes the kernel ask
// for its attributes once more, because of the atime (fuse_invalidate_atime).
//
// GETXATTR comes with the first write to each file: the kernel looks for security.capability, to take it away. There is no
// way to say that there are none without giving up user.* attributes, since ENOSYS is for all of them. It is once for each
// file because FUSE_HANDLE_KILLPRIV_V2 is negotiated; without that it would be once for each write(2).
//
// # The trace
//
// What counts as read, listed or absent is the view's business. It hears of a LOOKUP where upper has nothing of that
// name, of each listing of a directory with inputs, of an rmdir of one, which has to look whether it is empty, and of the
// content that is copied up. That is what it hears below overlayfs, too.
//
// # Locks
//
// FS.names guards what is where; it is held exclusively while that changes and shared while a name is used. It is never
// held while the content of a file is copied up. The order is: opens.mu or node.copying, FS.names, node.listMu, then table.mu
// or handles.mu, under which nothing else is taken.
package merged
