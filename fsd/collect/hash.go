package collect

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/staging/upper"
)

// hasher reads staged files. It may be used concurrently.
type hasher struct {
	algorithm cas.Algorithm
	xattrs    upper.Xattrs
	buffers   sync.Pool
}

const readSize = 256 << 10

func newHasher(a cas.Algorithm, x upper.Xattrs) *hasher {
	return &hasher{algorithm: a, xattrs: x, buffers: sync.Pool{New: func() any { return new([readSize]byte) }}}
}

// hash reads the staged regular file called name in dir whole and sets the entry's hash, size and mtime, and the version that
// was read. A file that changes meanwhile is an error.
func (h *hasher) hash(ctx context.Context, dir int, name string, o *output) error {
	var before, after unix.Stat_t
	fd, err := h.open(dir, name, o, &before)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := h.hasData(fd); err != nil {
		return err
	}
	digest, n, err := h.read(ctx, fd, before.Size)
	if err != nil {
		return err
	}
	if err := unix.Fstat(fd, &after); err != nil {
		return err
	}
	if versionOf(&after) != versionOf(&before) || n != after.Size {
		return errors.New("the file changed while it was read")
	}
	o.staged = versionOf(&before)
	o.Hash, o.Size, o.MtimeSec, o.MtimeNsec = digest, n, before.Mtim.Sec, int32(before.Mtim.Nsec)
	return nil
}

// open opens the file that the walk saw. It can't block and does nothing to a device that has taken the name since.
func (h *hasher) open(dir int, name string, o *output, st *unix.Stat_t) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := openAt(dir, name, flags)
	if errors.Is(err, unix.EACCES) {
		fd, err = h.openUnreadable(dir, name, flags)
	}
	if err != nil {
		return -1, err
	}
	err = unix.Fstat(fd, st)
	if err == nil && (idOf(st) != o.staged.id || st.Mode&unix.S_IFMT != unix.S_IFREG) {
		err = errors.New("the file was replaced while it was collected")
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// openUnreadable is for a collector without CAP_DAC_OVERRIDE, which has to lift the mode of its own file to read it.
func (h *hasher) openUnreadable(dir int, name string, flags int) (int, error) {
	handle, err := openAt(dir, name, unix.O_PATH)
	if err != nil {
		return -1, err
	}
	defer unix.Close(handle)
	var st unix.Stat_t
	if err := unix.Fstat(handle, &st); err != nil {
		return -1, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, unix.EACCES
	}
	byHandle := "/proc/self/fd/" + strconv.Itoa(handle)
	if err := unix.Chmod(byHandle, st.Mode&permissions|unix.S_IRUSR); err != nil {
		return -1, err
	}
	fd, err := openAt(dir, name, flags)
	if back := unix.Chmod(byHandle, st.Mode&permissions); back != nil && err == nil {
		unix.Close(fd)
		return -1, back
	}
	return fd, err
}

// hasData refuses a file whose bytes are elsewhere.
func (h *hasher) hasData(fd int) error {
	_, err := unix.Fgetxattr(fd, h.xattrs.Metacopy(), nil)
	switch {
	case err == nil:
		return errors.New("the file has no data of its own: overlayfs was mounted with metacopy=on")
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP):
		return nil
	case errors.Is(err, unix.EACCES):
		// User attributes of a file that openUnreadable opened stay unreadable. Overlayfs made none there: it needs the
		// capability that is lacking.
		return nil
	}
	return fmt.Errorf("%s: %w", h.xattrs.Metacopy(), err)
}

// read reads size bytes, or less where the file ends before. Whether there are more by then, its caller finds out.
func (h *hasher) read(ctx context.Context, fd int, size int64) (cas.Digest, int64, error) {
	buf := h.buffers.Get().(*[readSize]byte)
	defer h.buffers.Put(buf)
	var sum hash.Hash
	for n := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return cas.Digest{}, 0, err
		}
		k, err := unix.Read(fd, buf[:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return cas.Digest{}, 0, err
		}
		n += int64(k)
		last := k == 0 || n >= size
		if last && sum == nil {
			return cas.Sum(h.algorithm, buf[:k]), n, nil
		}
		if sum == nil {
			sum = cas.NewHash(h.algorithm)
		}
		sum.Write(buf[:k])
		if last {
			d, err := digest.New(h.algorithm, sum.Sum(nil))
			return d, n, err
		}
	}
}
