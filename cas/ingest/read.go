package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/internal/beneath"
	"github.com/casview/casview/cas/tree"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// reader gives every file its digest, from the index or by storing it.
type reader struct {
	store  *cas.Local
	root   int // handle that paths are relative to
	known  *index
	report *reporter

	hashed, reused, bytes atomic.Int64
	ahead                 ahead
}

func (r *reader) all(ctx context.Context, paths []*found, workers int) error {
	r.report.scanDone()
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range workers {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(paths) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				f := paths[i]
				if f.entry.Kind != tree.File {
					continue
				}
				if err := r.file(f); err != nil {
					return f.wrap(err)
				}
			}
		})
	}
	err := group.Wait()
	r.ahead.wait()
	r.report.done()
	return err
}

func (r *reader) file(f *found) error {
	reused, err := r.reuse(f)
	if err != nil {
		return err
	}
	if !reused {
		if err := r.read(f); err != nil {
			return err
		}
	}
	f.entry.Size = f.id.size
	return f.check(r.store.Algorithm())
}

// reuse takes the digest from the index if the store still has the blob.
func (r *reader) reuse(f *found) (bool, error) {
	d, ok := r.known.find(f.id)
	if !ok {
		return false, nil
	}
	kept, err := r.store.Keep(d, f.id.size)
	if err != nil || !kept {
		return false, err
	}
	f.entry.Digest, f.indexed, f.known = d, true, true
	r.reused.Add(1)
	r.report.stored(f.id.size)
	return true, nil
}

// errChanged says that something writes to the files while they are ingested: no tree would be what was there at any time.
var errChanged = errors.New("changed while it was ingested")

// read stores the file. The content belongs to the identity it was found with if it has that before and afterwards.
func (r *reader) read(f *found) error {
	// Non-blocking: should the file have become a fifo, opening it must not wait for a writer.
	fd, err := beneath.Open(r.root, f.path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	switch err {
	case nil:
	case unix.ENOENT, unix.ELOOP, unix.ENOTDIR, unix.ENXIO:
		return fmt.Errorf("%w: open: %w", errChanged, err)
	default:
		return os.NewSyscallError("open", err)
	}
	defer unix.Close(fd)
	if err := f.unchanged(fd); err != nil {
		return err
	}
	start := time.Now()
	var reported int64
	d, n, err := r.store.PutHandle(fd, f.id.size, func(bytes int64) {
		reported += bytes
		r.report.read(bytes)
	})
	if err != nil {
		return err
	}
	r.hashed.Add(1)
	r.bytes.Add(n)
	r.ahead.stored(r.store, n)
	if err := f.unchanged(fd); err != nil {
		return err
	}
	if n != f.id.size {
		return fmt.Errorf("%w: read %d bytes of %d", errChanged, n, f.id.size)
	}
	r.report.stored(n - reported)
	f.entry.Digest, f.indexed = d, f.id.settledAt(start)
	return nil
}

func (f *found) unchanged(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return os.NewSyscallError("stat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || identityOf(&st) != f.id {
		return errChanged
	}
	return nil
}

// check compares with the hash that the manifest gives.
func (f *found) check(a cas.Algorithm) error {
	if f.declared == nil || f.declared.hash.IsZero() || f.declared.hash == f.entry.Digest {
		return nil
	}
	if f.declared.hash.Algorithm() != a {
		return fmt.Errorf("hash %s is not %s, which the store uses", f.declared.hash, a)
	}
	return fmt.Errorf("has hash %s, declared as %s", f.entry.Digest, f.declared.hash)
}
