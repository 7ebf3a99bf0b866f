package conformance

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// dirent is one entry of a directory as the kernel gives it (getdents64(2)).
type dirent struct {
	name string
	ino  uint64
	next int64 // where the following entry starts, for lseek
	kind uint8
}

func (e dirent) dots() bool { return e.name == "." || e.name == ".." }

// readDirents is one call, which fills the buffer as far as whole entries go. Nothing means the end.
func readDirents(fd int, buf []byte) ([]dirent, error) {
	n, err := unix.Getdents(fd, buf)
	if err != nil {
		return nil, err
	}
	var entries []dirent
	for b := buf[:n]; len(b) > 0; {
		size := binary.NativeEndian.Uint16(b[16:])
		name, _, _ := bytes.Cut(b[19:size], []byte{0})
		entries = append(entries, dirent{
			name: string(name), ino: binary.NativeEndian.Uint64(b), next: int64(binary.NativeEndian.Uint64(b[8:])), kind: b[18],
		})
		b = b[size:]
	}
	return entries, nil
}

// readRest reads to the end.
func readRest(fd int) ([]dirent, error) {
	var all []dirent
	buf := make([]byte, 16<<10)
	for {
		some, err := readDirents(fd, buf)
		if err != nil || len(some) == 0 {
			return all, err
		}
		all = append(all, some...)
	}
}

func openDir(path string) (int, error) {
	return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

func listDir(path string) ([]dirent, error) {
	fd, err := openDir(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readRest(fd)
}
