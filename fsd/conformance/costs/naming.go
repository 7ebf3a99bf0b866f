package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// naming is what a job does to names, of files that it has made and of inputs.
func naming() []operation {
	return []operation{
		{name: "mkdir, rmdir", ops: 500, few: 32, step: 1, prepare: makeAndRemove},
		{name: "rename a written file", ops: 500, few: 100, step: 1, prepare: onWritten(rename)},
		{name: "link a written file", ops: 500, few: 100, step: 1, prepare: onWritten(link)},
		{name: "symlink", ops: 500, few: 32, step: 1, prepare: symlink},
		{name: "unlink a written file", ops: 500, few: 100, step: 1, prepare: onWritten(unlink)},
		{name: "unlink an input", ops: 500, few: 32, step: 1, prepare: onInputs("unlink", unlink)},
		{name: "rename a 4 KiB input", ops: 500, few: 32, step: 1, prepare: onInputs("rename", rename)},
		{name: "rename an input directory", ops: inputDirs, few: 32, step: 1, prepare: onInputs("move", rename)},
	}
}

func makeAndRemove(w *workspace, most int) (func(int) error, error) {
	dir, err := w.output("made")
	names := numbers("", most)
	return each(func(i int) error {
		if err := unix.Mkdirat(dir, names[i], 0o755); err != nil {
			return fmt.Errorf("mkdir: %w", err)
		}
		return unix.Unlinkat(dir, names[i], unix.AT_REMOVEDIR)
	}), err
}

func symlink(w *workspace, most int) (func(int) error, error) {
	dir, err := w.output("symlinks")
	names := numbers("", most)
	return each(func(i int) error { return unix.Symlinkat("the/target", dir, names[i]) }), err
}

// onWritten does something to files that the job has written.
func onWritten(do func(dir int, names []string) func(int) error) prepare {
	return func(w *workspace, most int) (func(int) error, error) {
		dir, err := w.output("written")
		if err != nil {
			return nil, err
		}
		names := numbers("", most)
		return do(dir, names), writeFirst(dir, names)
	}
}

// tick is longer than the kernel's clock for timestamps takes for a step.
const tick = 20 * time.Millisecond

// writeFirst makes files of 4 KiB. Whether a write just after the creation changes the file's time depends on the step
// of a clock, and so would the requests: here it always does.
func writeFirst(dir int, names []string) error {
	var files []int
	var err error
	for _, name := range names {
		fd, failed := unix.Openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
		if failed != nil {
			err = fmt.Errorf("create: %w", failed)
			break
		}
		files = append(files, fd)
	}
	time.Sleep(tick)
	buf := make([]byte, smallFileSize)
	for _, fd := range files {
		err = errors.Join(err, write(fd, buf), unix.Close(fd))
	}
	return err
}

// onInputs does something to inputs that the job has looked at.
func onInputs(input string, do func(dir int, names []string) func(int) error) prepare {
	return func(w *workspace, most int) (func(int) error, error) {
		dir, err := w.input(input)
		if err != nil {
			return nil, err
		}
		names := numbers("", most)
		return do(dir, names), statAll(dir, names, nil)(most)
	}
}

func rename(dir int, names []string) func(int) error {
	to := numbers("new-", len(names))
	return each(func(i int) error { return unix.Renameat(dir, names[i], dir, to[i]) })
}

func link(dir int, names []string) func(int) error {
	to := numbers("new-", len(names))
	return each(func(i int) error { return unix.Linkat(dir, names[i], dir, to[i], 0) })
}

func unlink(dir int, names []string) func(int) error {
	return each(func(i int) error { return unix.Unlinkat(dir, names[i], 0) })
}
