package collect

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// root is the staging tree's top directory. Everything below is opened from it by handle, never through a symlink and
// never on another mount: the names below are the job's.
type root struct{ f *os.File }

func openRoot(path string) (*root, error) {
	f, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return &root{f: f}, nil
}

func (r *root) close() { r.f.Close() }

// maxLookup is less than PATH_MAX, the longest path that one system call takes. A job that goes down by chdir makes longer
// ones.
const maxLookup = 4000

// open opens a path of any length; "" is the top itself.
func (r *root) open(path string, flags int) (*os.File, error) {
	at, rest := r.f, path
	for len(rest) > maxLookup {
		cut := strings.LastIndexByte(rest[:maxLookup], '/')
		next, err := openBelow(at, rest[:cut], unix.O_PATH|unix.O_DIRECTORY)
		if at != r.f {
			at.Close()
		}
		if err != nil {
			return nil, err
		}
		at, rest = next, rest[cut+1:]
	}
	if rest == "" {
		rest = "."
	}
	f, err := openBelow(at, rest, flags)
	if at != r.f {
		at.Close()
	}
	return f, err
}

// dir opens a directory for reading.
func (r *root) dir(path string) (*os.File, error) {
	return r.open(path, unix.O_RDONLY|unix.O_DIRECTORY)
}

// openBelow is openat2(2) without symlinks, dots or mounts on the way. The kernel asks to try again (EAGAIN) when it can't
// be sure that no rename led it out.
func openBelow(dir *os.File, path string, flags int) (*os.File, error) {
	fd, err := openAt(int(dir.Fd()), path, flags)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "staged"), nil
}

// openAt is openBelow for the many files of a run: an os.File costs as much as the system call.
func openAt(dir int, path string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC | unix.O_NOFOLLOW),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(dir, path, &how)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) && tries < 16 {
			continue
		}
		return fd, err
	}
}

// fileID tells inodes of the staging tree apart. The zero value is no inode.
type fileID struct{ dev, ino uint64 }

func idOf(st *unix.Stat_t) fileID { return fileID{dev: st.Dev, ino: st.Ino} }

// version is what changes when a file is written to.
type version struct {
	id         fileID
	size       int64
	mtim, ctim unix.Timespec
}

func versionOf(st *unix.Stat_t) version {
	return version{id: idOf(st), size: st.Size, mtim: st.Mtim, ctim: st.Ctim}
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "/" + name
}

// split cuts a path into its parent, "" for the top, and its last part.
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}
