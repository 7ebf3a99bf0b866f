package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// reading is what a job does to inputs that it leaves as they are.
func reading() []operation {
	return []operation{
		{name: "open, read, close a 4 KiB input: first time", ops: smallInputs, few: 32, step: 1, prepare: readInputs},
		{name: "open, read, close a 4 KiB input: again", ops: smallInputs, few: 32, step: 1, prepare: again(readInputs)},
		{name: "stat an input: first time", ops: plainInputs, few: 32, step: 1, prepare: statInputs},
		{name: "stat an input: again", ops: plainInputs, few: 32, step: 1, prepare: again(statInputs)},
		{name: "stat an input that was read", ops: smallInputs, few: 32, step: 1, prepare: statReadInputs},
		{name: "look for an absent name: first time", ops: plainInputs, few: 32, step: 1, prepare: statAbsent},
		{name: "look for an absent name: again", ops: plainInputs, few: 32, step: 1, prepare: again(statAbsent)},
		{name: "list 10,000 inputs: first time", ops: longLists, few: 1, step: 1, prepare: list},
		{name: "list 10,000 inputs: again", ops: longLists, few: 1, step: 1, prepare: again(list)},
	}
}

func readInputs(w *workspace, most int) (func(int) error, error) {
	dir, err := w.input("read")
	return readAll(dir, numbers("", most)), err
}

// readAll opens, reads and closes small files.
func readAll(dir int, names []string) func(int) error {
	buf := make([]byte, 2*smallFileSize)
	return each(func(i int) error {
		fd, err := unix.Openat(dir, names[i], unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		n, err := unix.Read(fd, buf)
		if err == nil && n != smallFileSize {
			err = fmt.Errorf("%d bytes", n)
		}
		return errors.Join(err, unix.Close(fd))
	})
}

func statInputs(w *workspace, most int) (func(int) error, error) {
	dir, err := w.input("stat")
	return statAll(dir, numbers("", most), nil), err
}

func statReadInputs(w *workspace, most int) (func(int) error, error) {
	dir, err := w.input("read")
	if err != nil {
		return nil, err
	}
	names := numbers("", most)
	return statAll(dir, names, nil), readAll(dir, names)(most)
}

func statAbsent(w *workspace, most int) (func(int) error, error) {
	dir, err := w.input("stat")
	return statAll(dir, numbers("absent-", most), unix.ENOENT), err
}

func statAll(dir int, names []string, want error) func(int) error {
	var st unix.Stat_t
	return each(func(i int) error {
		if err := unix.Fstatat(dir, names[i], &st, unix.AT_SYMLINK_NOFOLLOW); err != want {
			return fmt.Errorf("stat: %v", err)
		}
		return nil
	})
}

// list reads directories as glibc does: 32 KiB of names at a time.
func list(w *workspace, most int) (func(int) error, error) {
	dir, err := w.input("list")
	names := numbers("", most)
	buf := make([]byte, 32*kib)
	return each(func(i int) error {
		fd, err := unix.Openat(dir, names[i], unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		for n := 1; n > 0 && err == nil; {
			n, err = unix.Getdents(fd, buf)
		}
		return errors.Join(err, unix.Close(fd))
	}), err
}
