package upper_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/staging/upper"
)

func TestReadMarks(t *testing.T) {
	long := "/" + strings.Repeat("a", 255) + "/" + strings.Repeat("b", 255)
	for name, c := range map[string]struct {
		attrs map[string]string
		want  upper.Marks
		bad   bool
	}{
		"none":                {nil, upper.Marks{}, false},
		"opaque":              {map[string]string{"opaque": "y"}, upper.Marks{Opaque: true}, false},
		"xwhiteouts":          {map[string]string{"opaque": "x"}, upper.Marks{XattrWhiteouts: true}, false},
		"relative":            {map[string]string{"redirect": "old"}, upper.Marks{Redirect: "old"}, false},
		"absolute":            {map[string]string{"redirect": "/a/b"}, upper.Marks{Redirect: "/a/b"}, false},
		"longer than a block": {map[string]string{"redirect": long}, upper.Marks{Redirect: long}, false},
		"opaque wins":         {map[string]string{"opaque": "y", "redirect": "/a"}, upper.Marks{Opaque: true}, false},
		"slash in relative":   {map[string]string{"redirect": "a/b"}, upper.Marks{}, true},
		"empty part":          {map[string]string{"redirect": "/a//b"}, upper.Marks{}, true},
		"root":                {map[string]string{"redirect": "/"}, upper.Marks{}, true},
		"dots":                {map[string]string{"redirect": "/a/../../etc"}, upper.Marks{}, true},
		"dot":                 {map[string]string{"redirect": ".."}, upper.Marks{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := dirWith(t, upper.User, c.attrs)
			got, err := upper.User.Read(f)
			if (err != nil) != c.bad {
				t.Fatalf("error %v, want one: %v", err, c.bad)
			}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// A mark of one namespace says nothing in the other: a job may set user.overlay.* on a view that uses
// trusted.overlay.*.
func TestNamespacesAreApart(t *testing.T) {
	f := dirWith(t, upper.XattrsFor(true), map[string]string{"opaque": "y"})
	if got, err := upper.XattrsFor(false).Read(f); err != nil || got != (upper.Marks{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestIsWhiteout(t *testing.T) {
	for name, c := range map[string]struct {
		mode uint32
		dev  uint64
		want bool
	}{
		"whiteout":     {upper.WhiteoutMode, upper.WhiteoutDev, true},
		"char device":  {unix.S_IFCHR, unix.Mkdev(1, 3), false},
		"block device": {unix.S_IFBLK, 0, false},
		"file":         {unix.S_IFREG, 0, false},
		"directory":    {unix.S_IFDIR, 0, false},
	} {
		st := &unix.Stat_t{Mode: c.mode | 0o644, Rdev: c.dev}
		// Without a directory no attribute can be read, so none is.
		if got, err := upper.User.IsWhiteout(nil, upper.Marks{}, "x", st); got != c.want || err != nil {
			t.Errorf("%s in a directory without xattr whiteouts: %v, %v", name, got, err)
		}
		if c.mode == unix.S_IFREG {
			st.Size = 1
		}
		if got, err := upper.User.IsWhiteout(nil, upper.Marks{XattrWhiteouts: true}, "x", st); got != c.want || err != nil {
			t.Errorf("%s that is not empty: %v, %v", name, got, err)
		}
	}
}

func TestIsXattrWhiteout(t *testing.T) {
	dir := dirWith(t, upper.User, map[string]string{"opaque": "x"})
	path := filepath.Join(dir.Name(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	is := func(x upper.Xattrs, name string) (bool, error) {
		m := upper.Marks{XattrWhiteouts: true}
		return x.IsWhiteout(dir, m, name, &unix.Stat_t{Mode: unix.S_IFREG})
	}
	if got, err := is(upper.User, "file"); got || err != nil {
		t.Errorf("without the attribute: %v, %v", got, err)
	}
	if err := unix.Setxattr(path, "user.overlay.whiteout", nil, 0); err != nil {
		t.Fatal(err)
	}
	if got, err := is(upper.User, "file"); !got || err != nil {
		t.Errorf("with it: %v, %v", got, err)
	}
	if got, err := is(upper.Trusted, "file"); got || err != nil {
		t.Errorf("with that of the other namespace: %v, %v", got, err)
	}
	if err := os.Symlink("file", filepath.Join(dir.Name(), "link")); err != nil {
		t.Fatal(err)
	}
	if got, err := is(upper.User, "link"); got || err != nil {
		t.Errorf("a symlink to one: %v, %v", got, err)
	}
	if got, err := is(upper.User, "gone"); got || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: %v, %v", got, err)
	}
}

func TestIsMark(t *testing.T) {
	for name, want := range map[string]bool{
		"trusted.overlay.opaque": true, "user.overlay.redirect": true, "user.overlay.": true,
		"trusted.overlay.overlay.opaque": true,
		"user.overlay":                   false, "user.overlayfs.opaque": false, "trusted.x": false,
		"security.overlay.opaque": false, "": false,
	} {
		if got := upper.IsMark(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Marks are read at every lookup: each attribute costs its name as a C string, and there is nothing else.
func TestReadAllocatesLittle(t *testing.T) {
	dir := dirWith(t, upper.User, nil)
	st := unix.Stat_t{Mode: unix.S_IFREG}
	if n := testing.AllocsPerRun(100, func() { _, _ = upper.User.Read(dir) }); n > 2 {
		t.Errorf("Read: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = upper.User.IsWhiteout(dir, upper.Marks{}, "x", &st) }); n > 0 {
		t.Errorf("IsWhiteout: %v allocations", n)
	}
}

func BenchmarkRead(b *testing.B) {
	dir, err := os.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer dir.Close()
	for b.Loop() {
		if _, err := upper.User.Read(dir); err != nil {
			b.Fatal(err)
		}
	}
}

func dirWith(t *testing.T, x upper.Xattrs, attrs map[string]string) *os.File {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for k, v := range attrs {
		if err := unix.Setxattr(dir, string(x)+k, []byte(v), 0); err != nil {
			t.Skipf("setxattr: %v", err)
		}
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
