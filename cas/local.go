package cas

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var _ Store = (*Local)(nil)

// Local is a store in a directory of this host. Any number of goroutines and processes may use one directory at once.
//
// It holds the directory open and reaches everything below by handle, so it keeps working after the process changed its
// working directory or was restricted to the store by Landlock (which must then grant REFER below the store: without it
// every rename fails with EXDEV).
type Local struct {
	dir      string
	alg      Algorithm
	root     int // file descriptors of dir, dir/blobs and dir/tmp
	blobs    int
	tmp      int
	uid, gid uint32 // owner of dir, and so of every blob
	buffers  sync.Pool
	youngFor time.Duration
	probe    sync.Once
	nameless bool // what probe found out: see newTemp
	born     bool // files without names have a blob's mode from the start
}

// copyBuffer is how much is read at once. Content that fits is hashed in memory and written only when it is new.
const copyBuffer = 256 << 10

// OpenLocal opens the store in dir and creates what is missing, the directory itself with mode 0700. New blobs are named
// with a.
func OpenLocal(dir string, a Algorithm) (*Local, error) {
	if !a.Valid() {
		return nil, fmt.Errorf("open store %s: no digest algorithm", dir)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Local{dir: dir, alg: a, root: -1, blobs: -1, tmp: -1, youngFor: youngFor}
	s.buffers.New = func() any { b := make([]byte, copyBuffer); return &b }
	if err := s.openDirs(); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return s, nil
}

func (s *Local) openDirs() error {
	var err error
	if s.root, err = openat(unix.AT_FDCWD, s.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(s.root, &st); err != nil {
		return err
	}
	s.uid, s.gid = st.Uid, st.Gid
	if s.blobs, err = openSubdir(s.root, "blobs"); err != nil {
		return fmt.Errorf("blobs: %w", err)
	}
	if s.tmp, err = openSubdir(s.root, "tmp"); err != nil {
		return fmt.Errorf("tmp: %w", err)
	}
	if err := mkdirat(s.blobs, s.alg.String()); err != nil {
		return fmt.Errorf("blobs/%s: %w", s.alg, err)
	}
	return nil
}

// Dir returns the store's directory as an absolute path.
func (s *Local) Dir() string { return s.dir }

// Algorithm returns what new blobs are named with.
func (s *Local) Algorithm() Algorithm { return s.alg }

// Sync makes everything stored so far durable, by whichever process it was stored: it is one syncfs(2) on the store's
// filesystem, and returns write-back errors that happened there since the store was opened (Linux 5.8).
func (s *Local) Sync() error {
	if err := unix.Syncfs(s.root); err != nil {
		return fmt.Errorf("sync store %s: %w", s.dir, err)
	}
	return nil
}

// SyncAhead starts to write what is waiting on the store's filesystem, so that a Sync soon after has less to do. The channel
// is closed when that is done. It makes nothing durable that Sync does not, and tells of no error: it has a handle of its
// own, so that Sync learns of the same errors (the kernel tells each handle once).
func (s *Local) SyncAhead() <-chan struct{} {
	done := make(chan struct{})
	fd, err := openat(s.root, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		_ = unix.Syncfs(fd)
		_ = unix.Close(fd)
	}()
	return done
}

// Close releases the store's handles. No other method may run at the same time or be called afterwards.
func (s *Local) Close() error {
	var first error
	for _, fd := range []*int{&s.root, &s.blobs, &s.tmp} {
		if *fd < 0 {
			continue
		}
		if err := unix.Close(*fd); err != nil && first == nil {
			first = fmt.Errorf("close store %s: %w", s.dir, err)
		}
		*fd = -1
	}
	return first
}

// blobPath is where d lives, relative to the blobs directory.
func blobPath(d Digest) string {
	var room [80]byte // a path is made for each look at the store: one allocation is enough
	path := append(room[:0], d.Algorithm().String()...)
	var digits [64]byte
	all := d.AppendHex(digits[:0])
	path = append(append(path, '/'), all[:2]...)
	path = append(append(path, '/'), all...)
	return string(path)
}

// makeShard creates the directory that blobPath(d) is in.
func (s *Local) makeShard(d Digest) error {
	path := blobPath(d)
	shard := filepath.Dir(path)
	if err := mkdirat(s.blobs, filepath.Dir(shard)); err != nil {
		return fmt.Errorf("make blobs/%s: %w", filepath.Dir(shard), err)
	}
	if err := mkdirat(s.blobs, shard); err != nil {
		return fmt.Errorf("make blobs/%s: %w", shard, err)
	}
	return nil
}
