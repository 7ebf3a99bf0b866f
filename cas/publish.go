package cas

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// publish moves (dir, name), a file of size bytes with the content of d, to d's place in the store. A blob that is there
// with the same size stays and the file is unlinked; one with another size was torn by a power cut and is replaced.
// The error wraps EXDEV if dir is on another filesystem or mount.
//
// Once the file is a blob nothing undoes that: placed is true then, also beside an error.
func (s *Local) publish(dir int, name string, d Digest, size int64) (existed, placed bool, err error) {
	path := blobPath(d)
	placed, err = moveNew(dir, name, s.blobs, path)
	if err == unix.ENOENT && !placed {
		if err := s.makeShard(d); err != nil {
			return false, false, fmt.Errorf("store blob %s: %w", d, err)
		}
		placed, err = moveNew(dir, name, s.blobs, path)
	}
	if err == unix.EEXIST {
		kept, keepErr := s.Keep(d, size)
		if keepErr != nil {
			return false, false, keepErr
		}
		if kept {
			existed, err = true, unix.Unlinkat(dir, name, 0)
		} else {
			err = unix.Renameat(dir, name, s.blobs, path)
		}
	}
	if err != nil {
		return existed, placed, fmt.Errorf("store blob %s: %w", d, err)
	}
	return existed, true, nil
}

// moveNew moves a file and fails with EEXIST where the new name is taken. placed says that the file has its new name, also
// where the old one could not be removed.
//
// It links and unlinks, because a rename from one directory to another waits for all others on the filesystem
// (s_vfs_rename_mutex). Seen on Linux 6.18, ext4, two processors, 10,000 files: 150 ms for renames with one worker or two, 100
// for links and unlinks with two. A process that dies in between leaves two names, and whoever comes next finds the blob
// there and removes the old one.
func moveNew(oldDir int, oldName string, newDir int, newName string) (placed bool, err error) {
	switch err := unix.Linkat(oldDir, oldName, newDir, newName, 0); err {
	case nil:
		return true, unix.Unlinkat(oldDir, oldName, 0)
	case unix.EPERM, unix.EMLINK, unix.EOPNOTSUPP, unix.ENOSYS:
		// No hard links here, or not of this file.
		err := unix.Renameat2(oldDir, oldName, newDir, newName, unix.RENAME_NOREPLACE)
		return err == nil, err
	default:
		return false, err
	}
}

// linkFile gives an open file without a name one. By descriptor alone that needs CAP_DAC_READ_SEARCH, or since Linux 6.10
// that the process has opened it itself; the kernel says ENOENT where it does not allow it.
func linkFile(fd, dir int, name string) error {
	err := unix.Linkat(fd, "", dir, name, unix.AT_EMPTY_PATH)
	if err == unix.ENOENT {
		err = unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), dir, name, unix.AT_SYMLINK_FOLLOW)
	}
	return err
}
