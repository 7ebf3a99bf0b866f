package posix

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAppendFromTwoDescriptors(t *testing.T) {
	mkdir(t, "append")
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			f, err := os.OpenFile("log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for i := range 100 {
				if _, err := fmt.Fprintf(f, "%d %02d\n", w, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	got, err := os.ReadFile("log")
	must(t, err)
	if lines := strings.Count(string(got), "\n"); lines != 400 || len(got) != 2000 {
		t.Errorf("%d lines, %d bytes: appends overwrote each other", lines, len(got))
	}
}

func TestTmpfileThenLink(t *testing.T) {
	mkdir(t, "tmpfile")
	fd, err := unix.Open(".", unix.O_TMPFILE|unix.O_RDWR, 0o640)
	must(t, err)
	f := os.NewFile(uintptr(fd), "tmpfile")
	defer f.Close()
	_, err = f.WriteString("had no name\n")
	must(t, err)
	wantEntries(t, ".")
	must(t, unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, "named", unix.AT_SYMLINK_FOLLOW))
	wantContent(t, "named", "had no name\n")
	wantLinks(t, "named", 1)
}

func TestMapShared(t *testing.T) {
	mkdir(t, "mmap")
	write(t, "new", "map me\n")
	mapAndChange(t, "new", 0, 'M')
	wantContent(t, "new", "Map me\n")

	write(t, "first", "map us\n")
	must(t, os.Link("first", "second"))
	mapAndChange(t, "first", 0, 'M')
	mapAndChange(t, "second", 4, 'U')
	wantContent(t, "first", "Map Us\n")
	wantContent(t, "second", "Map Us\n")
}

// mapAndChange changes one byte through a shared mapping.
func mapAndChange(t *testing.T, path string, at int, to byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	m, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	m[at] = to
	must(t, unix.Msync(m, unix.MS_SYNC))
	must(t, unix.Munmap(m))
}

func TestFallocate(t *testing.T) {
	mkdir(t, "fallocate")
	f, err := os.Create("file")
	must(t, err)
	defer f.Close()
	fd := int(f.Fd())
	must(t, unix.Fallocate(fd, 0, 0, 1<<20))
	if size := stat(t, "file").Size; size != 1<<20 {
		t.Errorf("size %d after fallocate", size)
	}
	must(t, unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 1<<20, 1<<20))
	if size := stat(t, "file").Size; size != 1<<20 {
		t.Errorf("size %d after fallocate with KEEP_SIZE", size)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{'x'}, 8192), 0)
	must(t, err)
	must(t, unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 4096, 4096))
	must(t, f.Sync())
	got := make([]byte, 8192)
	_, err = f.ReadAt(got, 0)
	must(t, err)
	if !bytes.Equal(got, append(bytes.Repeat([]byte{'x'}, 4096), make([]byte, 4096)...)) {
		t.Error("the punched hole is not zero")
	}
}

// A file that is read while it is deleted, and a file that is locked by two descriptors.
func TestOpenAfterUnlinkAndLocks(t *testing.T) {
	mkdir(t, "open")
	write(t, "gone", "still there\n")
	f, err := os.Open("gone")
	must(t, err)
	defer f.Close()
	must(t, os.Remove("gone"))
	got := make([]byte, 12)
	if _, err := f.Read(got); err != nil || string(got) != "still there\n" {
		t.Errorf("read of an unlinked file: %q, %v", got, err)
	}
	write(t, "locked", "")
	one, err := os.OpenFile("locked", os.O_RDWR, 0)
	must(t, err)
	defer one.Close()
	two, err := os.OpenFile("locked", os.O_RDWR, 0)
	must(t, err)
	defer two.Close()
	must(t, unix.Flock(int(one.Fd()), unix.LOCK_EX))
	wantErr(t, "second flock", unix.Flock(int(two.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}
