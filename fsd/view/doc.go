// Package view owns the read-only FUSE filesystem over a tree in the store: what exists, what it looks like, what the
// kernel may keep, and what is recorded of it. Mounting it is up to others (fsd/staging); this is what they serve.
//
// # Inodes and their numbers
//
// FUSE names an inode by a 64-bit node id that the filesystem chose in the answer to a LOOKUP. Here a node id is also the
// inode number that stat(2) shows. When a directory is first needed its message is loaded from the store and its n
// entries get the next n numbers, [base, base+n), in the order of their names. A number is found again by searching the
// bases (type nodes), so a file costs its 64-byte entry and its name, and nothing else: no object, no map, no lock.
//
// So every path has its own number. It is never made from the digest: two paths with equal content would be taken for
// hard links, which cp and tar copy as such. A number holds for the view's life, whatever the kernel has forgotten since,
// which is why FORGET needs no answer and no counting. Numbers are below 2^32: overlayfs with xino=on keeps the upper
// bits for the layer.
//
// Links are counted as ext4 does: 1 for a file, 2 plus the number of subdirectories for a directory, which is known
// because a directory's attributes are in the message that lists its entries. find(1) skips the search for subdirectories
// once it has seen as many as the count says; a constant 2 would mean that there are none, a constant 1 that nobody knows.
//
// # File handles
//
// Overlayfs keeps the handle of the lower file in each file that was copied up: the file has its st_ino, and its names are
// one inode, as long as the lower one is found by the handle. FUSE_EXPORT_SUPPORT is negotiated for that, else the kernel
// offers no handles (6.8).
//
// As long as the kernel has the inode cached under its name, nothing is asked. Where it has dropped it, for want of memory,
// it sends a LOOKUP of "." in the node id, and the answer is ESTALE: overlayfs then takes the origin for unknown, and the
// file has its own st_ino. An answer would be worse. The kernel makes of it an entry without a name, and overlayfs asks
// whether that is still valid; Linux 6.16 and later hold it to be older than the connection (d_time is 0, and the epoch
// of a connection begins at 1), and every access to the copied-up file is ESTALE. Seen on Linux 6.18: TestTrapMemoryIsShort.
//
// # What the kernel keeps
//
// Content can't change, so everything may be kept until memory is short:
//
//   - names and attributes: their timeouts have no end. A name that does not exist is answered with node id 0 and the
//     same timeout, not with ENOENT, which the kernel would not remember.
//   - symlink targets: FUSE_CACHE_SYMLINKS (Linux 4.20).
//   - pages: FUSE_EXPLICIT_INVAL_DATA (5.2) tells the kernel that the filesystem announces changes of content itself; it
//     never has to. FUSE_AUTO_INVAL_DATA, the alternative, looks at the attributes on each read.
//   - directories: FOPEN_CACHE_DIR (4.20). The list is complete, and kept, after the kernel has seen an empty READDIR
//     answer, so a listing costs one request more than its names fill.
//   - READDIRPLUS gives the attributes along with the names. Its buffer is one page before Linux 6.16 (some 23 entries),
//     and the caller's since (32 KiB with glibc: 50,000 names took 258 requests).
//
// Two kinds of entry are left without attributes in READDIRPLUS. Empty files, because of the trace (below). Directories
// not yet loaded: with 4,000 subdirectories a listing that loads them all takes 80 ms instead of 5, and the find that
// goes into each of them 0.4 s instead of 0.6. A remote store would make that much worse, and a damaged directory that the
// job never enters would become a fault of the run.
//
// # Zero-message opens
//
// OPEN is answered with ENOSYS. The kernel then opens this and every other file by itself for as long as the mount lives
// (FUSE_NO_OPEN_SUPPORT, Linux 3.16), keeps cached pages across opens, and sends no RELEASE. OPENDIR is the same
// (FUSE_NO_OPENDIR_SUPPORT, 5.1) and turns on the directory cache. FLUSH, FSYNC, FSYNCDIR, LSEEK, extended attributes and
// STATX are declined alike: each would otherwise be a round trip per close, sync or attribute. What was read once is
// opened, read and closed again without any request; TestRequestCounts has the whole list. IOCTL is the exception,
// because the kernel asks again each time. Below overlayfs it only comes when a file is copied up.
//
// There are no file handles of the filesystem's own, then: READ and READDIR come with the node id alone.
//
// # Reading
//
// READ is a pread from the blob. Small blobs are opened for it and closed after it; large ones, which come in pieces,
// stay open in a bounded cache. Splicing pages from the blob into the device was measured as no faster (512 MiB at 2 GB/s
// either way, 10,000 small files in 0.6 s either way), and it would find a short or unreadable blob only after the answer
// has begun. A blob that is missing, has not the size that the tree says, or can't be read is EIO for the reader and a
// fault in the trace; other files go on. With VerifyFirstRead a blob is also hashed before its first byte is given out.
//
// # Large files
//
// The kernel keeps a FUSE file in pages of 4 KiB, and its content is copied three times before a job has it. With
// FOPEN_PASSTHROUGH (Linux 6.9) it reads and maps the blob's own pages, as fast as any file of the blob's filesystem. That
// needs an OPEN for each open(2), which zero-message opens, being for the whole connection, exclude. It pays off for large
// files only, so their content is in a filesystem of its own, [Large], with a connection of its own.
//
// Overlayfs puts it together (fsd/staging): where the view has been told to ([View.Hide]) it does not show those files. In a
// layer below it stand stubs with their names and attributes, and those say where in Large the content is. The files are
// those of the tree's index (tree.Large), since the stubs have to be made before the job looks. Directories without such
// files cost nothing more. A name is absent for the trace only if the view does not have it either.
//
// OPEN is a read. A large file's ctime is when the stub was made: nothing can set it.
//
// # The trace
//
// A mount starts with an empty page cache, so the first READ of a path always comes to the filesystem. That makes caching
// and an exact record compatible:
//
//	READ, READLINK             the path is an input
//	OPEN                       the path is an input: of large files nothing else comes
//	LOOKUP of an empty file    the path is an input: with nothing to read there is no READ. That is also why READDIRPLUS
//	                           must not tell the kernel about it. A stat(2) counts as well; the two can't be told apart.
//	READDIR, READDIRPLUS       the directory is listed
//	LOOKUP that finds nothing  the path is absent: had it been there, the job could have done something else
//
// Each is recorded before the answer goes out, and once for each path (absent ones again when the kernel drops its cache;
// package trace removes repetitions). Readahead may fetch more of a file than the job reads, but never another file.
//
// Below overlayfs the record may hold more than the job asked for, never less: copying an input up reads it unless it is
// truncated on the way, renaming looks for the new name, and listing a directory that the job has added to, or one that large
// files are below, looks at its empty files.
//
// # Mounting
//
// The mounter serves the view with fuse.NewServer(v, "/dev/fd/N", v.MountOptions()) and gives the superblock these options:
//
//   - ro, on the superblock (fsconfig) and not only on the mount: after a READ the kernel takes the atime for stale unless
//     the superblock is read-only (fuse_invalidate_atime), and the next stat(2) costs a GETATTR, also through overlayfs.
//     It also makes open(2) for writing fail; with zero-message opens nobody else would refuse it before the first write.
//   - default_permissions: modes and owner are checked by the kernel. Without it, it would ask by ACCESS, once, and from
//     then on let everybody do everything.
//   - allow_other, if anybody but the daemon's own user is to get in.
//   - max_read=1048576 ([MaxRead]), so that one READ may be as large as the negotiated limit.
//
// The kernel reads ahead 128 KiB unless root raises read_ahead_kb of the mount's bdi: 8 READs for 1 MiB instead of one.
//
// The process that serves a view must not use it: not open, not list, not stat, not run anything with it as directory. A
// goroutine in such a system call holds a thread and may hold the runtime; if the answer needs either, both wait for ever.
package view
