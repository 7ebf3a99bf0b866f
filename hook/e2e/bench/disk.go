package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// imageSize is the size of a filesystem in a file. What is not used of it takes no room.
const imageSize = 32 << 30

// mkfs says how the filesystems are made: whole at once, without anything left to do in the background.
func mkfs(kind, image string) (*exec.Cmd, error) {
	switch kind {
	case "ext4":
		return exec.Command("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image), nil
	case "xfs":
		return exec.Command("mkfs.xfs", "-q", image), nil
	}
	return nil, fmt.Errorf("filesystem %q: there are ext4 and xfs", kind)
}

// mountNew makes a filesystem in a file in dir, mounts it and returns where. The loop device goes with the mount.
//
// A filesystem that is in use answers for what others did to it. Seen on Linux 6.18: an ext4 without a journal passes over
// inodes that were deleted within the last five minutes, one by one (recently_deleted in fs/ext4/ialloc.c), so that making
// a file took 500 us in place of 25 once some thousand had been removed, in every column.
func mountNew(kind, dir string) (string, error) {
	image, place := filepath.Join(dir, "image"), filepath.Join(dir, "mounted")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return "", err
	}
	if err := os.Truncate(image, imageSize); err != nil {
		return "", err
	}
	if err := os.Mkdir(place, 0o711); err != nil {
		return "", err
	}
	make, err := mkfs(kind, image)
	if err != nil {
		return "", err
	}
	if _, err := output(make); err != nil {
		return "", err
	}
	// Direct I/O: else everything is in the page cache twice, and a sync writes all of it twice.
	device, err := output(exec.Command("losetup", "--find", "--show", "--direct-io=on", image))
	if err != nil {
		return "", fmt.Errorf("%w (-filesystem '' does without)", err)
	}
	_, err = output(exec.Command("mount", device, place))
	// Now it is detached as soon as nothing is mounted on it.
	_, detachErr := output(exec.Command("losetup", "--detach", device))
	return place, errors.Join(err, detachErr)
}

// unmount tries again where the filesystem is busy: a daemon may need a moment to end.
func unmount(place string) error {
	err := unix.Unmount(place, unix.UMOUNT_NOFOLLOW)
	for range 100 {
		if !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(50 * time.Millisecond)
		err = unix.Unmount(place, unix.UMOUNT_NOFOLLOW)
	}
	if err != nil {
		return &os.PathError{Op: "unmount", Path: place, Err: err}
	}
	return nil
}

// syncFilesystem writes everything that is waiting on the filesystem of a path.
func syncFilesystem(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return &os.PathError{Op: "syncfs", Path: path, Err: err}
	}
	return nil
}

// output runs a command and returns what it prints, without space at the ends. What it says on stderr is in the error.
func output(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		err = fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, said[max(0, len(said)-2000):])
	}
	return strings.TrimSpace(string(out)), err
}
