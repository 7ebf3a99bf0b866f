package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/casview/casview/cas"
)

func sampleTree(t *testing.T, s *cas.Local) cas.Digest {
	root, _ := build(t, s, file("b/x/1"), file("a"), link("b/l", "x/1"), file("b.c"), dir("b/empty", 0o700), file("\xff/é"))
	return root
}

func TestResolve(t *testing.T) {
	s := newStore(t)
	root := sampleTree(t, s)
	for _, c := range []struct {
		path string
		kind Kind
	}{{"", Dir}, {"a", File}, {"b", Dir}, {"b/x/1", File}, {"b/l", Symlink}, {"b/empty", Dir}, {"b.c", File}, {"\xff/é", File}} {
		e, err := Resolve(s, root, c.path)
		if err != nil || e.Kind != c.kind || e.Name != c.path[strings.LastIndex(c.path, "/")+1:] {
			t.Errorf("Resolve(%q) = %+v, %v", c.path, e, err)
		}
		if size, err := s.Size(e.Digest); e.Kind == Dir && (err != nil || size != e.Size) {
			t.Errorf("Resolve(%q) says %d bytes, the store %d, %v", c.path, e.Size, size, err)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	s := newStore(t)
	root := sampleTree(t, s)
	for _, c := range []struct {
		path string
		want error
	}{
		{"no", fs.ErrNotExist}, {"b/no", fs.ErrNotExist}, {"a/under-file", syscall.ENOTDIR},
		{"b/l/under-link", syscall.ENOTDIR}, {"b/empty/no", fs.ErrNotExist},
	} {
		if e, err := Resolve(s, root, c.path); !errors.Is(err, c.want) || errors.Is(err, cas.ErrNotFound) {
			t.Errorf("Resolve(%q) = %+v, %v; want %v", c.path, e, err, c.want)
		}
	}
	if _, err := Resolve(s, root, "../a"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Resolve of a bad path: %v", err)
	}
	if _, err := Resolve(s, digestB, "a"); !errors.Is(err, cas.ErrNotFound) {
		t.Errorf("Resolve below a missing root: %v", err)
	}
}

func TestLoadErrors(t *testing.T) {
	s := newStore(t)
	if _, err := Load(s, digestB); !errors.Is(err, cas.ErrNotFound) || !strings.Contains(err.Error(), digestB.String()) {
		t.Errorf("missing directory: %v", err)
	}
	if d, err := Load(s, put(t, s, "not a message")); err == nil {
		t.Errorf("a text file is the directory %+v", d)
	}
	root := sampleTree(t, s)
	damage(t, s, root)
	if _, err := Load(s, root); !errors.Is(err, cas.ErrCorrupt) {
		t.Errorf("damaged directory: %v", err)
	}
}

// damage flips one byte of a stored blob.
func damage(t *testing.T, s *cas.Local, d cas.Digest) {
	t.Helper()
	path := filepath.Join(s.Dir(), "blobs", d.Algorithm().String(), d.Hex()[:2], d.Hex())
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWalk(t *testing.T) {
	s := newStore(t)
	root := sampleTree(t, s)
	walk := func(fn func(path string, e Entry) error) (seen []string, err error) {
		err = Walk(s, root, func(path string, e Entry, dir *Directory) error {
			if (dir != nil) != (e.Kind == Dir) {
				t.Errorf("%q is a %s and has the directory %v", path, e.Kind, dir)
			}
			seen = append(seen, path)
			return fn(path, e)
		})
		return seen, err
	}
	stop := errors.New("stop")
	at := func(want string, err error) func(string, Entry) error {
		return func(path string, _ Entry) error {
			if path == want {
				return err
			}
			return nil
		}
	}
	all := []string{"", "a", "b", "b/empty", "b/l", "b/x", "b/x/1", "b.c", "\xff", "\xff/é"}
	for _, c := range []struct {
		name string
		fn   func(string, Entry) error
		want []string
		err  error
	}{
		{"everything", at("-", nil), all, nil},
		{"error", at("b", stop), all[:3], stop},
		{"skip a directory", at("b", fs.SkipDir), []string{"", "a", "b", "b.c", "\xff", "\xff/é"}, nil},
		{"skip the root", at("", fs.SkipDir), all[:1], nil},
		{"skip all", at("b/l", fs.SkipAll), all[:5], nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if seen, err := walk(c.fn); err != c.err || !reflect.DeepEqual(seen, c.want) {
				t.Errorf("saw %q, %v\nwant %q, %v", seen, err, c.want, c.err)
			}
		})
	}
}

func TestWalkNamesMissingDirectory(t *testing.T) {
	s := newStore(t)
	root := put(t, s, string((&Directory{Entries: []Entry{{Name: "gone", Kind: Dir, Digest: digestB}}}).Encode()))
	err := Walk(s, root, func(string, Entry, *Directory) error { return nil })
	if !errors.Is(err, cas.ErrNotFound) || !strings.Contains(err.Error(), `"gone"`) {
		t.Errorf("Walk: %v", err)
	}
}

// A chain deeper than any path the kernel takes is still walked and resolved.
func TestDeepTree(t *testing.T) {
	s := newStore(t)
	path := strings.Repeat("d/", 3000) + "f"
	root, stats := build(t, s, file(path))
	if stats.Dirs != 3000 {
		t.Errorf("%d directories", stats.Dirs)
	}
	if e, err := Resolve(s, root, path); err != nil || e.Digest != digestA {
		t.Errorf("Resolve: %+v, %v", e, err)
	}
	depth := 0
	err := Walk(s, root, func(path string, _ Entry, _ *Directory) error {
		depth = max(depth, strings.Count(path, "/"))
		return nil
	})
	if err != nil || depth != 3000 {
		t.Errorf("walked to depth %d, %v", depth, err)
	}
}
