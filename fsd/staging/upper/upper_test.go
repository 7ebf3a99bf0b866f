package upper_test

import (
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

// A mark of one namespace says nothing in the other: a job may set user.overlay.* on a view that uses trusted.overlay.*.
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
	} {
		if got := upper.IsWhiteout(&unix.Stat_t{Mode: c.mode | 0o644, Rdev: c.dev}); got != c.want {
			t.Errorf("%s: got %v", name, got)
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
