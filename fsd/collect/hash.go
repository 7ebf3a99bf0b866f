package collect

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/staging/upper"
)

// hasher reads staged files. It may be used concurrently.
type hasher struct {
	root      *root
	algorithm cas.Algorithm
	xattrs    upper.Xattrs
	buffers   sync.Pool
}

const readSize = 256 << 10

func newHasher(r *root, a cas.Algorithm, x upper.Xattrs) *hasher {
	return &hasher{root: r, algorithm: a, xattrs: x, buffers: sync.Pool{New: func() any { return new([readSize]byte) }}}
}

// hash reads a staged regular file whole and sets the entry's hash, size and mtime, and the version that was read. A file
// that changes meanwhile is an error.
func (h *hasher) hash(ctx context.Context, o *output) error {
	f, before, err := h.open(o)
	if err != nil {
		return err
	}
	defer f.Close()
	meta, err := upper.Value(f, h.xattrs.Metacopy())
	// User attributes of a file that openUnreadable opened stay unreadable. Overlayfs made none there: it needs the
	// capability that is lacking.
	if err != nil && !errors.Is(err, unix.EACCES) {
		return err
	}
	if meta != nil {
		return errors.New("the file has no data of its own: overlayfs was mounted with metacopy=on")
	}
	digest, n, err := h.read(ctx, f)
	if err != nil {
		return err
	}
	var after unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &after); err != nil {
		return err
	}
	if versionOf(&after) != versionOf(before) || n != after.Size {
		return errors.New("the file changed while it was read")
	}
	o.staged = versionOf(before)
	o.Hash, o.Size, o.MtimeSec, o.MtimeNsec = digest, n, before.Mtim.Sec, int32(before.Mtim.Nsec)
	return nil
}

// open opens the file that the walk saw. It can't block and does nothing to a device that has taken the name since.
func (h *hasher) open(o *output) (*os.File, *unix.Stat_t, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	f, err := h.root.open(o.Path, flags)
	if errors.Is(err, unix.EACCES) {
		f, err = h.openUnreadable(o.Path, flags)
	}
	if err != nil {
		return nil, nil, err
	}
	var st unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &st)
	if err == nil && (idOf(&st) != o.staged.id || st.Mode&unix.S_IFMT != unix.S_IFREG) {
		err = errors.New("the file was replaced while it was collected")
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, &st, nil
}

// openUnreadable is for a collector without CAP_DAC_OVERRIDE, which has to lift the mode of its own file to read it.
func (h *hasher) openUnreadable(path string, flags int) (*os.File, error) {
	handle, err := h.root.open(path, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(handle.Fd()), &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, unix.EACCES
	}
	byHandle := "/proc/self/fd/" + strconv.Itoa(int(handle.Fd()))
	if err := unix.Chmod(byHandle, st.Mode&permissions|unix.S_IRUSR); err != nil {
		return nil, err
	}
	f, err := h.root.open(path, flags)
	if back := unix.Chmod(byHandle, st.Mode&permissions); back != nil && err == nil {
		f.Close()
		return nil, back
	}
	return f, err
}

func (h *hasher) read(ctx context.Context, f *os.File) (cas.Digest, int64, error) {
	buf := h.buffers.Get().(*[readSize]byte)
	defer h.buffers.Put(buf)
	sum := h.algorithm.New()
	for n := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return cas.Digest{}, 0, err
		}
		k, err := f.Read(buf[:])
		sum.Write(buf[:k])
		n += int64(k)
		if errors.Is(err, io.EOF) {
			d, err := cas.NewDigest(h.algorithm, sum.Sum(nil))
			return d, n, err
		}
		if err != nil {
			return cas.Digest{}, 0, err
		}
	}
}
