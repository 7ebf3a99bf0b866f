package upper_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/staging/upper"
)

// marked is what the Writer makes of the lower directory below, and merged is what overlayfs must make of both.
var (
	lower = []string{
		"a", "b", "d/a", "d/b", "d/sub/x", "e/a", "e/deep/a", "e/deep/b", "keep/k", "opaque/a", "opaque/sub/b",
		"r/a", "r/b", "r/sub/s",
	}
	merged = []string{
		"b", "d", "d/b", "d/empty", "keep", "keep/k", "new", "new/b", "new/sub", "new/sub/s", "opaque", "opaque/n",
		"opaque/sub", "e2", "e2/a", "e2/deep", "e2/deep/b",
	}
)

func makeLower(t *testing.T, dir string) {
	t.Helper()
	for _, p := range lower {
		must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, p), []byte(p), 0o644))
	}
}

func makeMarks(t *testing.T, w upper.Writer, dir string, redirects bool) {
	t.Helper()
	top := open(t, dir)
	at := func(p string) *os.File { return mkdir(t, filepath.Join(dir, p)) }
	must(t, w.Whiteout(top, "a"))

	d := at("d")
	must(t, w.Whiteout(d, "a"))
	must(t, w.Whiteout(d, "sub"))
	write(t, d, "empty", "")

	opaque := at("opaque")
	must(t, w.SetOpaque(opaque))
	write(t, opaque, "n", "n")
	at("opaque/sub")

	must(t, w.Whiteout(top, "r"))
	must(t, w.Whiteout(top, "e"))
	if !redirects {
		return
	}
	absolute := at("new")
	must(t, w.SetRedirect(absolute, "/r"))
	must(t, w.Whiteout(absolute, "a"))
	relative := at("e2")
	must(t, w.SetRedirect(relative, "e"))
	must(t, w.Whiteout(at("e2/deep"), "a"))
}

// A real overlayfs reads the marks as casview does. As a lower layer it reads all of them.
func TestOverlayfsReadsMarks(t *testing.T) {
	without := slices.DeleteFunc(slices.Clone(merged), func(p string) bool {
		return strings.HasPrefix(p, "new") || strings.HasPrefix(p, "e2")
	})
	for name, c := range map[string]struct {
		ground         string
		files, asUpper bool
		options        string
		want           []string
	}{
		"upper":               {ground: "tmpfs", asUpper: true, options: ",redirect_dir=on", want: merged},
		"lower":               {ground: "tmpfs", options: ",redirect_dir=on", want: merged},
		"lower_with_files":    {ground: "tmpfs", files: true, options: ",redirect_dir=on", want: merged},
		"lower_on_overlayfs":  {ground: "overlay", options: ",redirect_dir=on", want: merged},
		"in_a_user_namespace": {ground: "tmpfs in a user namespace", asUpper: true, options: ",userxattr", want: without},
		"lower_in_a_user_namespace_with_files": {
			ground: "tmpfs in a user namespace", files: true, options: ",userxattr", want: without,
		},
		"lower_in_a_user_namespace_on_overlayfs": {
			ground: "overlay in a user namespace", options: ",userxattr", want: without,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := grounds[c.ground]
			if !again(t, g.attr()) {
				return
			}
			top := g.dir(t)
			w := newWriter(t, top)
			if c.files {
				w = w.WithFiles()
			}
			makeLower(t, filepath.Join(top, "lower"))
			mkdir(t, filepath.Join(top, "marked"))
			// The kernel refuses redirects together with userxattr.
			makeMarks(t, w, filepath.Join(top, "marked"), w.Xattrs() == upper.Trusted)
			options := "lowerdir=" + top + "/marked:" + top + "/lower" + c.options
			if c.asUpper {
				options = "lowerdir=" + top + "/lower,upperdir=" + top + "/marked,workdir=" + top + "/work" + c.options
			}
			view := mount(t, "overlay", options)
			got := walk(t, view)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(got, want) {
				t.Errorf("overlayfs shows\n%q, want\n%q", got, want)
			}
			for _, p := range append(slices.Clone(lower), "d/sub", "r", "e") {
				_, err := os.Lstat(filepath.Join(view, p))
				if _, exists := slices.BinarySearch(want, p); exists != (err == nil) {
					t.Errorf("%s: %v", p, err)
				}
			}
		})
	}
}

// As an upper layer overlayfs reads them too, but lists the names of xattr whiteouts, which it then does not find. What
// a driver of casview's wrote there can't become the upper of an overlayfs, and need not.
func TestOverlayfsReadsFilesInUpper(t *testing.T) {
	if !again(t, mountNamespace()) {
		return
	}
	top := mount(t, "tmpfs", "")
	makeLower(t, filepath.Join(top, "lower"))
	marked := mkdir(t, filepath.Join(top, "marked"))
	makeMarks(t, newWriter(t, top).WithFiles(), marked.Name(), true)
	view := mount(t, "overlay", "lowerdir="+top+"/lower,upperdir="+top+"/marked,workdir="+top+"/work,redirect_dir=on")
	for _, p := range []string{"a", "d/a", "d/sub", "r", "e", "new/a", "e2/deep/a"} {
		if _, err := os.Lstat(filepath.Join(view, p)); !os.IsNotExist(err) {
			t.Errorf("%s: %v", p, err)
		}
	}
	for _, p := range merged {
		if _, err := os.Lstat(filepath.Join(view, p)); err != nil {
			t.Error(err)
		}
	}
}

// walk lists everything below a directory, sorted. A name that is listed can be looked up.
func walk(t *testing.T, top string) (paths []string) {
	t.Helper()
	must(t, filepath.WalkDir(top, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			t.Errorf("%s is listed: %v", p, err)
		}
		if rel, _ := filepath.Rel(top, p); rel != "." {
			paths = append(paths, rel)
		}
		return nil
	}))
	slices.Sort(paths)
	return paths
}
