package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// trees is what tools do to many files at once.
func trees() []operation {
	return []operation{
		{name: "cp -r 2,000 inputs of 4 KiB, per file", ops: copiedDirs * copiedInEach,
			few: 10 * copiedInEach, step: copiedInEach, prepare: copyInputs},
		{name: "unpack 5,000 files of 2 KiB, per file", ops: 5000, few: 5 * packed, step: packed, prepare: unpack},
		{name: "rm -r 5,000 files, per file", ops: 5000, few: 5 * packed, step: packed, prepare: removeTree},
	}
}

// copyInputs copies directories with all that is in them.
func copyInputs(w *workspace, _ int) (func(int) error, error) {
	_, err := w.output("copied")
	return func(n int) error {
		return tool(w.dir, "cp", append([]string{"-r", "-t", "copied"}, numbers("copy/", n/copiedInEach)...)...)
	}, err
}

func tool(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// packed is how many files are unpacked into one directory.
const packed = 50

// unpack leaves the files where they are, for rm.
func unpack(w *workspace, _ int) (func(int) error, error) {
	return w.unpack, os.Mkdir(filepath.Join(w.dir, "unpacked"), 0o755)
}

// unpack does what tar -x does: it makes directories with files in them, and sets the files' times and modes.
func (w *workspace) unpack(n int) error {
	buf := make([]byte, 2*kib)
	for _, dir := range numbers("", n/packed) {
		path := filepath.Join(w.dir, "unpacked", dir)
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: path, Err: err}
		}
		err = each(func(i int) error { return unpackFile(fd, number(i), buf) })(packed)
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(dir int, name string, content []byte) error {
	fd, err := unix.Openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	err = write(fd, content)
	if err == nil {
		err = setTimes(fd)
	}
	if err == nil {
		err = unix.Fchmod(fd, 0o644)
	}
	return errors.Join(err, unix.Close(fd))
}

// setTimes is futimens(3), which package unix has not.
func setTimes(fd int) error {
	times := [2]unix.Timespec{{Sec: 1_000_000_000}, {Sec: 1_000_000_000}}
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("futimens: %w", errno)
	}
	return nil
}

func removeTree(w *workspace, most int) (func(int) error, error) {
	remove := func(n int) error {
		return tool(w.dir, "rm", append([]string{"-r"}, numbers("unpacked/", n/packed)...)...)
	}
	run, err := unpack(w, most)
	if errors.Is(err, fs.ErrExist) {
		return remove, nil
	}
	if err != nil {
		return nil, err
	}
	return remove, run(most)
}
