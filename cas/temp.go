package cas

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/casview/casview/cas/internal/reflink"
	"golang.org/x/sys/unix"
)

// blobMode makes a blob read-only for everybody: nothing changes it by accident, and the store's own mode hides it.
const blobMode = 0o444

// temp is a file in the store's tmp directory that becomes a blob by commit or goes away by discard.
type temp struct {
	s    *Local
	f    *os.File
	name string // "" once there is nothing to discard
}

func (s *Local) newTemp() (*temp, error) {
	for {
		name := fmt.Sprintf("put-%d-%016x", os.Getpid(), rand.Uint64())
		fd, err := openat(s.tmp, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
		if err == unix.EEXIST {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("store blob: create tmp/%s: %w", name, err)
		}
		return &temp{s: s, f: os.NewFile(uintptr(fd), "tmp/"+name), name: name}, nil
	}
}

// copy appends what r gives and returns the digest and length of it.
func (t *temp) copy(r io.Reader, a Algorithm) (Digest, int64, error) {
	buf := t.s.buffers.Get().(*[]byte)
	defer t.s.buffers.Put(buf)
	h := a.New()
	n, err := io.CopyBuffer(io.MultiWriter(t.f, h), onlyReader{r}, *buf)
	if err != nil {
		return Digest{}, n, err
	}
	return a.finish(h), n, nil
}

// fill takes the whole content of f: by reflink, then hashing the clone, or else by copying. It calls
// read with the length of each part that it has read, unless read is nil.
func (t *temp) fill(f *os.File, a Algorithm, read func(bytes int64)) (d Digest, size int64, linked bool, err error) {
	if linked, err = reflink.Clone(t.f, f); err != nil {
		return Digest{}, 0, false, err
	}
	if linked {
		d, size, err = t.s.hash(tellingReader{io.NewSectionReader(t.f, 0, maxOffset), read}, a)
		return d, size, true, err
	}
	d, size, err = t.copy(tellingReader{io.NewSectionReader(f, 0, maxOffset), read}, a)
	return d, size, false, err
}

const maxOffset = 1<<63 - 1

// tellingReader calls read, unless it is nil, with the length of each part.
type tellingReader struct {
	r    io.Reader
	read func(bytes int64)
}

func (t tellingReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 && t.read != nil {
		t.read(int64(n))
	}
	return n, err
}

// commit makes the file the blob d of size bytes, and reports whether that was there already.
func (t *temp) commit(d Digest, size int64) (existed bool, err error) {
	if err := t.f.Chmod(blobMode); err != nil {
		return false, fmt.Errorf("store blob %s: %w", d, err)
	}
	// Network filesystems tell of a full disk only now.
	if err := t.f.Close(); err != nil {
		return false, fmt.Errorf("store blob %s: %w", d, err)
	}
	existed, err = t.s.publish(t.s.tmp, t.name, d, size)
	if err != nil {
		return false, err
	}
	t.name = ""
	return existed, nil
}

// discard removes the file unless it was committed.
func (t *temp) discard() {
	_ = t.f.Close()
	if t.name != "" {
		_ = unix.Unlinkat(t.s.tmp, t.name, 0)
	}
}

// publish moves (dir, name), a file of size bytes with the content of d, to d's place in the store. A blob that is there
// with the same size stays and the file is unlinked; one with another size was torn by a power cut and is replaced.
// The error wraps EXDEV if dir is on another filesystem or mount.
func (s *Local) publish(dir int, name string, d Digest, size int64) (existed bool, err error) {
	path := blobPath(d)
	err = renameNew(dir, name, s.blobs, path)
	if err == unix.ENOENT {
		if err := s.makeShard(d); err != nil {
			return false, fmt.Errorf("store blob %s: %w", d, err)
		}
		err = renameNew(dir, name, s.blobs, path)
	}
	if err == unix.EEXIST {
		kept, keepErr := s.Keep(d, size)
		if keepErr != nil {
			return false, keepErr
		}
		if kept {
			existed, err = true, unix.Unlinkat(dir, name, 0)
		} else {
			err = unix.Renameat(dir, name, s.blobs, path)
		}
	}
	if err != nil {
		return false, fmt.Errorf("store blob %s: %w", d, err)
	}
	return existed, nil
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
