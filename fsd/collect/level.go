package collect

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/staging/upper"
)

// level is one directory of the view, from the three sides described in the package comment.
type level struct {
	parent   *level
	path     string
	staged   *os.File // nil: not staged, or closed for now (see handle)
	id       fileID   // of the staged directory; zero when the directory is not staged
	marks    upper.Marks
	lower    *inputDir
	declared *inputDir
}

// inPlace says that the directory is the input directory of its own path.
func (l *level) inPlace() bool { return l.lower != nil && l.lower.path == l.path }

// name is one name in a staged directory.
type name struct {
	string
	st unix.Stat_t
}

// maxOpen is how many directories between the top and the current one stay open.
const maxOpen = 32

// names calls fn for each name in a staged directory; never when the directory is not staged. Names are sorted: the outputs,
// which are large, then hardly have to be.
func (w *walker) names(l *level, fn func(*name)) error {
	if l.staged == nil {
		return nil
	}
	list, err := l.staged.Readdirnames(-1)
	slices.Sort(list)
	dir := int(l.staged.Fd())
	var n name
	for _, n.string = range list {
		if err := unix.Fstatat(dir, n.string, &n.st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			w.vanished(join(l.path, n.string), err)
			continue
		}
		fn(&n)
	}
	return err
}

// readlink reads the target of a symlink in l.
func (w *walker) readlink(l *level, n *name) (string, error) {
	dir, err := w.handle(l)
	if err != nil {
		return "", err
	}
	buf := make([]byte, n.st.Size+1)
	for {
		size, err := unix.Readlinkat(int(dir.Fd()), n.string, buf)
		if err != nil {
			return "", err
		}
		if size < len(buf) {
			return string(buf[:size]), nil
		}
		buf = make([]byte, 2*len(buf))
	}
}

// handle returns the open staged directory, and opens it again where release closed it.
func (w *walker) handle(l *level) (*os.File, error) {
	if l.staged != nil {
		return l.staged, nil
	}
	f, err := w.root.dir(l.path)
	if err != nil {
		return nil, err
	}
	if idOfFile(f) != l.id {
		f.Close()
		return nil, errors.New("the directory was replaced while it was read")
	}
	l.staged = f
	return f, nil
}

// release closes the directory maxOpen levels up, so that depth does not use up descriptors.
func (l *level) release() {
	for range maxOpen {
		if l = l.parent; l == nil {
			return
		}
	}
	l.close()
}

func (l *level) close() {
	if l.staged != nil {
		l.staged.Close()
		l.staged = nil
	}
}

func idOfFile(f *os.File) fileID {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fileID{}
	}
	return idOf(&st)
}
