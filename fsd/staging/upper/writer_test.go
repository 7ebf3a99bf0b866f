package upper_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/staging/upper"
)

// grounds are filesystems that a staging tree may be on.
var grounds = map[string]struct {
	attr    func() *syscall.SysProcAttr
	dir     func(t *testing.T) string
	xattrs  upper.Xattrs
	devices bool
}{
	"tmpfs":   {mountNamespace, mountTmpfs, upper.Trusted, true},
	"overlay": {mountNamespace, mountOverlay, upper.Trusted, false},
	"host":    {mountNamespace, (*testing.T).TempDir, upper.Trusted, true},

	"tmpfs in a user namespace":   {userNamespace, mountTmpfs, upper.User, true},
	"overlay in a user namespace": {userNamespace, mountOverlay, upper.User, false},
	"host in a user namespace":    {userNamespace, (*testing.T).TempDir, upper.User, true},
}

// onGrounds runs a test on all of them. top is an empty directory, work the one that w was made with.
func onGrounds(t *testing.T, test func(t *testing.T, w upper.Writer, top string, devices bool)) {
	for name, g := range grounds {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			if !again(t, g.attr()) {
				return
			}
			top := g.dir(t)
			want := g.xattrs
			if unix.Setxattr(top, "trusted.overlay.try", []byte("y"), 0) != nil {
				want = upper.User // overlayfs before Linux 6.7
			}
			w := newWriter(t, top)
			if w.Xattrs() != want {
				t.Errorf("marks are %s*", w.Xattrs())
			}
			test(t, w, top, g.devices)
			for _, e := range list(t, filepath.Join(top, "work")) {
				if e != "whiteout" || g.devices {
					t.Errorf("work holds %s", e)
				}
			}
		})
	}
}

func TestWhiteout(t *testing.T) {
	onGrounds(t, func(t *testing.T, w upper.Writer, top string, devices bool) {
		if left := list(t, filepath.Join(top, "work")); len(left) > 0 {
			t.Errorf("NewWriter left %q", left)
		}
		dir := mkdir(t, filepath.Join(top, "dir"))
		write(t, dir, "empty", "")
		write(t, dir, "full", "full")
		must(t, w.Whiteout(dir, "gone"))
		must(t, w.Whiteout(dir, "gone too"))
		for _, name := range []string{"empty", "full", "gone"} {
			if err := w.Whiteout(dir, name); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a whiteout where %s is: %v", name, err)
			}
		}
		for name, want := range map[string]bool{"gone": true, "gone too": true, "empty": false, "full": false} {
			if got := isWhiteout(t, w, dir, name); got != want {
				t.Errorf("%s is a whiteout: %v", name, got)
			}
		}
		if isDevice := lstat(t, dir, "gone").Mode&unix.S_IFMT == unix.S_IFCHR; isDevice != devices {
			t.Errorf("the whiteout is a device: %v", isDevice)
		}
	})
}

// An opaque directory hides everything: whatever a whiteout is there, it is no file.
func TestWhiteoutInOpaque(t *testing.T) {
	onGrounds(t, func(t *testing.T, w upper.Writer, top string, devices bool) {
		dir := mkdir(t, filepath.Join(top, "dir"))
		must(t, w.SetOpaque(dir))
		write(t, dir, "file", "")
		if err := w.Whiteout(dir, "file"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a whiteout where a file is: %v", err)
		}
		must(t, w.Whiteout(dir, "gone"))
		must(t, w.ReplaceByWhiteout(dir, "file"))
		for _, name := range list(t, dir.Name()) {
			if !isWhiteout(t, w, dir, name) {
				t.Errorf("%s is a file", name)
			}
		}
		if m, err := w.Xattrs().Read(dir); err != nil || !m.Opaque {
			t.Errorf("marks are %+v, %v", m, err)
		}
	})
}

func TestReplaceByWhiteout(t *testing.T) {
	onGrounds(t, func(t *testing.T, w upper.Writer, top string, devices bool) {
		dir := mkdir(t, filepath.Join(top, "dir"))
		write(t, dir, "file", "")
		must(t, os.Symlink("file", filepath.Join(dir.Name(), "link")))
		must(t, w.Whiteout(dir, "whiteout"))
		must(t, os.Mkdir(filepath.Join(dir.Name(), "sub"), 0o755))
		for _, name := range []string{"file", "link", "whiteout", "nothing"} {
			must(t, w.ReplaceByWhiteout(dir, name))
			if !isWhiteout(t, w, dir, name) {
				t.Errorf("%s is no whiteout", name)
			}
		}
		if err := w.ReplaceByWhiteout(dir, "sub"); !errors.Is(err, unix.EISDIR) {
			t.Errorf("of a directory: %v", err)
		}
	})
}

func TestSetOpaque(t *testing.T) {
	onGrounds(t, func(t *testing.T, w upper.Writer, top string, devices bool) {
		dir := mkdir(t, filepath.Join(top, "dir"))
		must(t, w.Whiteout(dir, "gone"))
		write(t, dir, "empty", "")
		if err := w.SetOpaque(dir); !devices && !errors.Is(err, unix.ENOTEMPTY) {
			t.Errorf("with a whiteout inside: %v", err)
		}
		must(t, os.Remove(filepath.Join(dir.Name(), "gone")))
		for range 2 {
			must(t, w.SetOpaque(dir))
			if m, err := w.Xattrs().Read(dir); err != nil || m != (upper.Marks{Opaque: true}) {
				t.Errorf("marks are %+v, %v", m, err)
			}
		}
	})
}

func TestSetRedirect(t *testing.T) {
	onGrounds(t, func(t *testing.T, w upper.Writer, top string, devices bool) {
		dir := mkdir(t, filepath.Join(top, "dir"))
		must(t, w.Whiteout(dir, "gone"))
		for _, to := range []string{"name", "/a", "/a/b c"} {
			must(t, w.SetRedirect(dir, to))
			want := upper.Marks{XattrWhiteouts: !devices, Redirect: to}
			if m, err := w.Xattrs().Read(dir); err != nil || m != want {
				t.Errorf("marks are %+v, %v, want %+v", m, err, want)
			}
		}
		for to, want := range map[string]error{
			"": unix.EINVAL, "/": unix.EINVAL, "a/b": unix.EINVAL, "/a//b": unix.EINVAL, "..": unix.EINVAL, "/a/.": unix.EINVAL,
			"/" + strings.Repeat("a/", 40000) + "b": unix.E2BIG,
		} {
			if err := w.SetRedirect(dir, to); !errors.Is(err, want) {
				t.Errorf("%.20q: %v", to, err)
			}
		}
		if m, err := w.Xattrs().Read(dir); err != nil || m.Redirect == "" {
			t.Errorf("marks are %+v, %v", m, err)
		}
	})
}

// Nobody loses when several make whiteouts at once, also while the shared one is replaced.
func TestConcurrentWhiteouts(t *testing.T) {
	onGrounds(t, func(t *testing.T, w upper.Writer, top string, devices bool) {
		dir := mkdir(t, filepath.Join(top, "dir"))
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for k := range 50 {
					if i == 0 && k%10 == 0 {
						os.Remove(filepath.Join(top, "work", "whiteout"))
					}
					name := fmt.Sprintf("%d-%d", i, k)
					err := w.Whiteout(dir, name)
					if k%2 == 0 && err == nil {
						err = w.ReplaceByWhiteout(dir, name)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		names := list(t, dir.Name())
		for _, name := range names {
			if !isWhiteout(t, w, dir, name) {
				t.Errorf("%s is no whiteout", name)
			}
		}
		if len(names) != 8*50 {
			t.Errorf("%d whiteouts", len(names))
		}
	})
}

// Ext4 allows a file to have 65,000 names.
func TestMoreWhiteoutsThanLinks(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 65,100 files")
	}
	if !again(t, mountNamespace()) {
		return
	}
	top := mountOverlay(t)
	w := newWriter(t, top)
	dir := mkdir(t, filepath.Join(top, "dir"))
	for i := range 65_100 {
		must(t, w.Whiteout(dir, fmt.Sprint(i)))
	}
	for _, name := range []string{"0", "64999", "65000", "65099"} {
		if !isWhiteout(t, w, dir, name) {
			t.Errorf("%s is no whiteout", name)
		}
	}
}

func TestNoMarks(t *testing.T) {
	if !again(t, mountNamespace()) {
		return
	}
	dir := mount(t, "ramfs", "")
	_, err := upper.NewWriter(open(t, dir))
	if !errors.Is(err, unix.EOPNOTSUPP) || !strings.Contains(err.Error(), dir+": extended attributes: trusted.overlay.") ||
		!strings.Contains(err.Error(), "user.overlay.opaque: ") {
		t.Errorf("got %v", err)
	}
	if left := list(t, dir); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// The driver holds its directories by O_PATH.
func TestWorkByPath(t *testing.T) {
	dir := t.TempDir()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	must(t, err)
	work := os.NewFile(uintptr(fd), dir)
	defer work.Close()
	if _, err := upper.NewWriter(work); err != nil {
		t.Error(err)
	}
}

func isWhiteout(t *testing.T, w upper.Writer, dir *os.File, name string) bool {
	t.Helper()
	m, err := w.Xattrs().Read(dir)
	must(t, err)
	st := lstat(t, dir, name)
	is, err := w.Xattrs().IsWhiteout(dir, m, name, &st)
	must(t, err)
	return is
}

func lstat(t *testing.T, dir *os.File, name string) (st unix.Stat_t) {
	t.Helper()
	must(t, unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW))
	return st
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
