// Package reflink lets two files share blocks where the filesystem can do that (btrfs, xfs, bcachefs, NFS 4.2).
package reflink

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Clone gives dst, open for writing and empty, the content of src by ioctl_ficlone(2). False without an error means that
// these two files can't share blocks, and that the caller has to copy.
func Clone(dst, src int) (bool, error) {
	err := unix.IoctlFileClone(dst, src)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EIO):
		return false, os.NewSyscallError("ficlone", err)
	}
	return false, nil
}
