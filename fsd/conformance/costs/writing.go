package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// writing is what a job does to contents. Where it says "per MiB", one file is opened once, and closed within the time.
func writing() []operation {
	return []operation{
		{name: "create, write 4 KiB, close", ops: 500, few: 200, step: 1, prepare: create(1)},
		{name: "create, 4 writes of 4 KiB, close", ops: 500, few: 200, step: 1, prepare: create(4)},
		{name: "reopen, read, close what was written: first time", ops: 500, few: 100, step: 1, prepare: onWritten(readAll)},
		{name: "reopen, read, close what was written: again", ops: 500, few: 100, step: 1,
			prepare: again(onWritten(readAll))},
		{name: "stat what was written: first time", ops: 500, few: 100, step: 1, prepare: onWritten(statThere)},
		{name: "stat what was written: again", ops: 500, few: 100, step: 1, prepare: again(onWritten(statThere))},
		{name: "append 4 KiB to a 1 MiB input", ops: largeInputs, few: 8, step: 1, prepare: onInputs("append", appendAll)},
		{name: "write 256 MiB in sequence, per MiB", ops: 256, few: 64, step: 1, prepare: writeLarge},
		{name: "read 256 MiB that were written, per MiB", ops: 256, few: 64, step: 1, prepare: readLarge},
		{name: "pwrite 4 KiB anywhere in a new file of 64 MiB", ops: 4096, few: 512, step: 1, prepare: writeAnywhere},
		{name: "write a mapped new file, per MiB", ops: 32, few: 8, step: 1, prepare: writeMapped},
	}
}

func statThere(dir int, names []string) func(int) error { return statAll(dir, names, nil) }

func create(writes int) prepare {
	return func(w *workspace, most int) (func(int) error, error) {
		dir, err := w.output("created")
		return createAll(dir, numbers("", most), writes), err
	}
}

func createAll(dir int, names []string, writes int) func(int) error {
	const flags = unix.O_CREAT | unix.O_TRUNC | unix.O_WRONLY | unix.O_CLOEXEC
	buf := make([]byte, smallFileSize)
	return each(func(i int) error {
		fd, err := unix.Openat(dir, names[i], flags, 0o644)
		if err != nil {
			return fmt.Errorf("create: %w", err)
		}
		for k := 0; k < writes && err == nil; k++ {
			err = write(fd, buf)
		}
		return errors.Join(err, unix.Close(fd))
	})
}

func write(fd int, b []byte) error {
	n, err := unix.Write(fd, b)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if n != len(b) {
		return fmt.Errorf("write: %d of %d bytes", n, len(b))
	}
	return nil
}

func appendAll(dir int, names []string) func(int) error {
	buf := make([]byte, 4*kib)
	return each(func(i int) error {
		fd, err := unix.Openat(dir, names[i], unix.O_WRONLY|unix.O_APPEND|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		return errors.Join(write(fd, buf), unix.Close(fd))
	})
}

// atOnce is how much of a large file cp(1) and the like move with one system call.
const atOnce = 128 * kib

func writeLarge(w *workspace, _ int) (func(int) error, error) {
	dir, err := w.output("large")
	return func(n int) error { return writeFile(dir, n) }, err
}

func writeFile(dir, mibs int) error {
	fd, err := unix.Openat(dir, "file", unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	buf := make([]byte, atOnce)
	for i := 0; i < mibs*mib/atOnce && err == nil; i++ {
		err = write(fd, buf)
	}
	return errors.Join(err, unix.Close(fd))
}

func readLarge(w *workspace, most int) (func(int) error, error) {
	dir, err := w.output("large")
	if err != nil {
		return nil, err
	}
	buf := make([]byte, atOnce)
	return func(n int) error {
		fd, err := unix.Openat(dir, "file", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		for i := 0; i < n*mib/atOnce && err == nil; i++ {
			var size int
			if size, err = unix.Read(fd, buf); err == nil && size != atOnce {
				err = fmt.Errorf("%d bytes", size)
			}
		}
		return errors.Join(err, unix.Close(fd))
	}, writeFile(dir, most)
}

// sparse makes an empty file of a size in a new directory and returns its path.
func sparse(w *workspace, size int64) (string, error) {
	if _, err := w.output("sparse"); err != nil {
		return "", err
	}
	path := filepath.Join(w.dir, "sparse", "file")
	fd, err := unix.Open(path, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return "", fmt.Errorf("create: %w", err)
	}
	return path, errors.Join(unix.Ftruncate(fd, size), unix.Close(fd))
}

// writeAnywhere writes to every second page at the most, in no order: no two of them are neighbours, which the kernel
// would write back together.
func writeAnywhere(w *workspace, _ int) (func(int) error, error) {
	const page, pages = 4 * kib, 64 * mib / (4 * kib)
	path, err := sparse(w, pages*page)
	buf := make([]byte, page)
	return func(n int) error {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		for i := 0; i < n && err == nil; i++ {
			at := i * 3571 % (pages / 2) * 2
			_, err = unix.Pwrite(fd, buf, int64(at)*page)
		}
		return errors.Join(err, unix.Close(fd))
	}, err
}

// writeMapped changes each page of a shared mapping, as linkers write their output.
func writeMapped(w *workspace, most int) (func(int) error, error) {
	path, err := sparse(w, int64(most)*mib)
	return func(n int) error {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		mapped, err := unix.Mmap(fd, 0, n*mib, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err == nil {
			for at := 0; at < len(mapped); at += 4 * kib {
				mapped[at] = 1
			}
			err = unix.Munmap(mapped)
		}
		return errors.Join(err, unix.Close(fd))
	}, err
}
