package cas

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// place gives an open file of size bytes with the content of d another name, d's place in the store. A blob that is there
// with the same size stays; one with another size was torn by a power cut and is replaced.
//
// It links, because a rename from one directory to another waits for all others on the filesystem (s_vfs_rename_mutex).
// Seen on Linux 6.18, ext4, two processors, 10,000 files: 150 ms for renames with one worker or two, 65 for links with two.
func (s *Local) place(fd int, d Digest, size int64) (existed bool, err error) {
	err = s.inShard(d, func(path string) error { return linkFile(fd, s.blobs, path) })
	if err == unix.EEXIST {
		kept, keepErr := s.Keep(d, size)
		if kept || keepErr != nil {
			return kept, keepErr
		}
		err = s.replace(fd, d)
	}
	if err != nil {
		return false, fmt.Errorf("store blob %s: %w", d, err)
	}
	return false, nil
}

// replace puts an open file in the place of a torn blob. That takes a rename, and so a name.
func (s *Local) replace(fd int, d Digest) error {
	name := tempName()
	if err := linkFile(fd, s.tmp, name); err != nil {
		return err
	}
	err := unix.Renameat(s.tmp, name, s.blobs, blobPath(d))
	if err != nil {
		_ = unix.Unlinkat(s.tmp, name, 0)
	}
	return err
}

// publish moves (dir, name), a file of size bytes with the content of d, to d's place in the store, as place does. Where
// the blob is there already the file is unlinked. The error wraps EXDEV if dir is on another filesystem or mount.
func (s *Local) publish(dir int, name string, d Digest, size int64) (existed bool, err error) {
	err = s.inShard(d, func(path string) error { return renameNew(dir, name, s.blobs, path) })
	if err == unix.EEXIST {
		kept, keepErr := s.Keep(d, size)
		if keepErr != nil {
			return false, keepErr
		}
		if kept {
			existed, err = true, unix.Unlinkat(dir, name, 0)
		} else {
			err = unix.Renameat(dir, name, s.blobs, blobPath(d))
		}
	}
	if err != nil {
		return false, fmt.Errorf("store blob %s: %w", d, err)
	}
	return existed, nil
}

// inShard does something with d's place, once more where its directory was missing.
func (s *Local) inShard(d Digest, do func(path string) error) error {
	path := blobPath(d)
	err := do(path)
	if err == unix.ENOENT {
		if err := s.makeShard(d); err != nil {
			return err
		}
		err = do(path)
	}
	return err
}

// renameNew renames and fails with EEXIST where the new name is taken.
func renameNew(oldDir int, oldName string, newDir int, newName string) error {
	err := unix.Renameat2(oldDir, oldName, newDir, newName, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	// NFS and some FUSE filesystems have no RENAME_NOREPLACE. A link does not replace either.
	if err := unix.Linkat(oldDir, oldName, newDir, newName, 0); err != nil {
		return err
	}
	return unix.Unlinkat(oldDir, oldName, 0)
}

// linkFile gives an open file one more name. By descriptor alone that needs CAP_DAC_READ_SEARCH, or since Linux 6.10 that
// the process has opened it itself; the kernel says ENOENT where it does not allow it.
func linkFile(fd, dir int, name string) error {
	err := unix.Linkat(fd, "", dir, name, unix.AT_EMPTY_PATH)
	if err == unix.ENOENT {
		err = unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), dir, name, unix.AT_SYMLINK_FOLLOW)
	}
	return err
}
