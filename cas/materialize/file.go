package materialize

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/internal/beneath"
	"github.com/casview/casview/cas/internal/reflink"
)

// files writes batches until there are no more.
func (w *writer) files(ctx context.Context, batches <-chan []Item) error {
	for batch := range batches {
		if err := w.batch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// batch writes files of one directory.
func (w *writer) batch(ctx context.Context, files []Item) error {
	dir, _, err := beneath.Parent(w.root, files[0].Path)
	if err != nil {
		return fmt.Errorf("%q: %w", files[0].Path, parentError(err))
	}
	defer unix.Close(dir)
	for _, i := range files {
		if err := w.file(ctx, dir, i); err != nil {
			return fmt.Errorf("%q: %w", i.Path, err)
		}
	}
	return nil
}

// file writes a file beside its name in the directory parent, completely, and then renames it there.
func (w *writer) file(ctx context.Context, parent int, i Item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	blob, err := w.store.Open(i.Digest)
	if err != nil {
		return err
	}
	defer blob.Close()
	temp := tempName()
	fd, err := unix.Openat(parent, temp, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return os.NewSyscallError("create", err)
	}
	f := os.NewFile(uintptr(fd), temp)
	size, linked, err := w.fill(ctx, f, blob, i)
	if err == nil {
		err = setMtime(parent, temp, i)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = put(parent, temp, lastName(i.Path))
	}
	if err != nil {
		_ = unix.Unlinkat(parent, temp, 0)
		return err
	}
	w.counts.add(func(s *Stats) {
		s.Files++
		s.Bytes += size
		if linked {
			s.Reflinked++
		}
	})
	return nil
}

// fill gives f the blob's content, verified, and its mode: after the content, as writing clears setuid.
func (w *writer) fill(ctx context.Context, f, blob *os.File, i Item) (size int64, linked bool, err error) {
	if !w.noReflink.Load() {
		if linked, err = reflink.Clone(int(f.Fd()), int(blob.Fd())); err != nil {
			return 0, false, err
		}
		w.noReflink.Store(!linked)
	}
	h := cas.NewHash(i.Digest.Algorithm())
	from, to := io.Reader(f), io.Writer(h)
	if !linked {
		from, to = blob, io.MultiWriter(f, h)
	}
	buf := w.buffers.Get().(*[]byte)
	defer w.buffers.Put(buf)
	if size, err = io.CopyBuffer(to, cancelReader{ctx, from}, *buf); err != nil {
		return 0, false, err
	}
	got, err := digest.New(i.Digest.Algorithm(), h.Sum(nil))
	if err != nil {
		return 0, false, err
	}
	if got != i.Digest {
		return 0, false, fmt.Errorf("blob %s has digest %s: %w", i.Digest, got, cas.ErrCorrupt)
	}
	if err := unix.Fchmod(int(f.Fd()), i.Mode&safeMode); err != nil {
		return 0, false, os.NewSyscallError("chmod", err)
	}
	return size, linked, nil
}

// symlink makes a symlink in the same way.
func (w *writer) symlink(i Item) error {
	parent, name, err := beneath.Parent(w.root, i.Path)
	if err != nil {
		return parentError(err)
	}
	defer unix.Close(parent)
	temp := tempName()
	if err := unix.Symlinkat(i.Target, parent, temp); err != nil {
		return os.NewSyscallError("symlink", err)
	}
	err = setMtime(parent, temp, i)
	if err == nil {
		err = put(parent, temp, name)
	}
	if err != nil {
		_ = unix.Unlinkat(parent, temp, 0)
		return err
	}
	w.counts.add(func(s *Stats) { s.Symlinks++ })
	return nil
}

// hardlink makes i another name of a file that was written before.
func (w *writer) hardlink(i Item) error {
	first := i.HardlinkTo
	if heir, ok := w.heirs[first]; ok {
		first = heir
	}
	// Only to what was just written: the directory may hold files that are nobody's output.
	if !w.taken[first] || first == i.Path {
		return fmt.Errorf("hard link to %q, which is not among the files", i.HardlinkTo)
	}
	firstParent, firstName, err := beneath.Parent(w.root, first)
	if err != nil {
		return parentError(err)
	}
	defer unix.Close(firstParent)
	parent, name, err := beneath.Parent(w.root, i.Path)
	if err != nil {
		return parentError(err)
	}
	defer unix.Close(parent)
	temp := tempName()
	if err := unix.Linkat(firstParent, firstName, parent, temp, 0); err != nil {
		return os.NewSyscallError("link", err)
	}
	err = put(parent, temp, name)
	// rename(2) of one name of a file to another does nothing and says so to nobody.
	if unlinkErr := unix.Unlinkat(parent, temp, 0); err == nil && unlinkErr != nil && unlinkErr != unix.ENOENT {
		err = os.NewSyscallError("unlink", unlinkErr)
	}
	if err != nil {
		return err
	}
	w.taken[i.Path] = true
	w.counts.add(func(s *Stats) { s.Hardlinks++ })
	return nil
}

// put gives the finished file temp its name, in place of what has it.
func put(dir int, temp, name string) error {
	if err := unix.Renameat(dir, temp, dir, name); err != nil {
		return os.NewSyscallError("rename", err)
	}
	return nil
}

func tempName() string { return fmt.Sprintf(".casview-%016x", rand.Uint64()) }

// cancelReader ends a long copy when the context does. It also hides WriterTo, which would pass over the buffer.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
