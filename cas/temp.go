package cas

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/internal/reflink"
)

// blobMode makes a blob read-only for everybody: nothing changes it by accident, and the store's own mode hides it.
const blobMode = 0o444

// temp is a file in the store's tmp directory that becomes a blob by commit or goes away by discard.
type temp struct {
	s    *Local
	fd   int    // -1 once it is closed
	name string // "" for a file without a name, and once there is nothing to discard
}

// newTemp makes a file without a name where it can: that costs less, as it changes no directory that all writers share, and
// nothing stays behind when the process dies. NFS and some FUSE filesystems have only files with names.
func (s *Local) newTemp() (*temp, error) {
	s.probe.Do(func() { s.nameless = s.canLink() })
	if !s.nameless {
		return s.newNamed()
	}
	fd, err := openat(s.tmp, ".", unix.O_RDWR|unix.O_TMPFILE, blobMode)
	if err != nil {
		return nil, fmt.Errorf("store blob: create a file in tmp: %w", err)
	}
	return &temp{s: s, fd: fd}, nil
}

// canLink finds out whether a file without a name can be made and get one, and whether it has a blob's mode from its birth,
// which the umask may forbid. FUSE tells of errors on close only, and a blob must not be there before: no such files there.
func (s *Local) canLink() bool {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(s.tmp, &fs); err != nil || fs.Type == unix.FUSE_SUPER_MAGIC {
		return false
	}
	fd, err := openat(s.tmp, ".", unix.O_RDWR|unix.O_TMPFILE, blobMode)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	s.born = unix.Fstat(fd, &st) == nil && st.Mode&0o7777 == blobMode
	name := tempName()
	return linkFile(fd, s.tmp, name) == nil && unix.Unlinkat(s.tmp, name, 0) == nil
}

func tempName() string { return fmt.Sprintf("put-%d-%016x", os.Getpid(), rand.Uint64()) }

func (s *Local) newNamed() (*temp, error) {
	for {
		name := tempName()
		fd, err := openat(s.tmp, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
		if err == unix.EEXIST {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("store blob: create tmp/%s: %w", name, err)
		}
		return &temp{s: s, fd: fd, name: name}, nil
	}
}

// Write implements io.Writer.
func (t *temp) Write(p []byte) (int, error) {
	for done := 0; ; {
		n, err := unix.Write(t.fd, p[done:])
		done += max(n, 0)
		if done == len(p) || err != nil && err != unix.EINTR {
			return done, err
		}
	}
}

// copy appends what r gives and returns the digest and length of it.
func (t *temp) copy(r io.Reader, a Algorithm) (Digest, int64, error) {
	buf := t.s.buffers.Get().(*[]byte)
	defer t.s.buffers.Put(buf)
	h := NewHash(a)
	n, err := io.CopyBuffer(io.MultiWriter(t, h), onlyReader{r}, *buf)
	if err != nil {
		return Digest{}, n, err
	}
	return finish(a, h), n, nil
}

// fill takes the whole content of the file f: by reflink, then hashing the clone, or else by copying. It calls
// read with the length of each part that it has read, unless read is nil.
func (t *temp) fill(f int, a Algorithm, read func(bytes int64)) (d Digest, size int64, linked bool, err error) {
	if linked, err = reflink.Clone(t.fd, f); err != nil {
		return Digest{}, 0, false, err
	}
	if linked {
		d, size, err = t.s.hash(tellingReader{&fileReader{fd: t.fd}, read}, a)
		return d, size, true, err
	}
	d, size, err = t.copy(tellingReader{&fileReader{fd: f}, read}, a)
	return d, size, false, err
}

// fileReader reads an open file from its first byte on, and leaves the offset alone.
type fileReader struct {
	fd int
	at int64
}

func (r *fileReader) Read(p []byte) (int, error) {
	n, err := pread(r.fd, p, r.at)
	r.at += int64(n)
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

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
	if err := t.finish(); err != nil {
		return false, fmt.Errorf("store blob %s: %w", d, err)
	}
	if t.name == "" {
		existed, err = t.s.place(t.fd, d, size)
	} else {
		existed, err = t.s.publish(t.s.tmp, t.name, d, size)
	}
	if err == nil {
		t.name = ""
	}
	return existed, err
}

// finish gives the file its mode and, where it has a name, learns of what was not written: filesystems that go over a
// network tell of a full disk when a descriptor is closed, and take files without names nowhere (see canLink).
func (t *temp) finish() error {
	if t.name == "" && t.s.born {
		return nil
	}
	if err := unix.Fchmod(t.fd, blobMode); err != nil || t.name == "" {
		return err
	}
	fd := t.fd
	t.fd = -1
	return unix.Close(fd)
}

// discard removes the file unless it was committed.
func (t *temp) discard() {
	if t.fd >= 0 {
		_ = unix.Close(t.fd)
	}
	if t.name != "" {
		_ = unix.Unlinkat(t.s.tmp, t.name, 0)
	}
}
