package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/casview/casview/cas"
)

func TestBuilderTree(t *testing.T) {
	s := newStore(t)
	root, stats := build(t, s,
		file("src/b.c"), link("src/l", "b.c"), dir("src", 0o2750), file("src/sub/x"), dir("out", 0o700),
		input{"", Entry{Kind: Dir, Mode: 0o1777, MtimeSec: 3, MtimeNsec: 4}},
		input{"x", Entry{Digest: digestB, Size: 10, Mode: 0o4755, MtimeSec: -1, MtimeNsec: 5}})
	if want := (Stats{Files: 3, Dirs: 3, Symlinks: 1, Bytes: 12}); stats != want {
		t.Errorf("stats %+v, want %+v", stats, want)
	}
	got := make(map[string]string)
	err := Walk(s, root, func(path string, e Entry, d *Directory) error {
		if e.Kind == Dir {
			e.Mode, e.MtimeSec, e.MtimeNsec = d.Mode, d.MtimeSec, d.MtimeNsec
		}
		got[path] = fmt.Sprintf("%s %o %d.%d %s", e.Kind, e.Mode, e.MtimeSec, e.MtimeNsec, e.Target)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":          "dir 1777 3.4 ",
		"out":       "dir 700 0.0 ",
		"src":       "dir 2750 0.0 ",
		"src/b.c":   "file 644 9.0 ",
		"src/l":     "symlink 777 0.0 b.c",
		"src/sub":   "dir 755 0.0 ",
		"src/sub/x": "file 644 9.0 ",
		"x":         "file 4755 -1.5 ",
	} {
		if got[path] != want {
			t.Errorf("%q is %q, want %q", path, got[path], want)
		}
		delete(got, path)
	}
	if len(got) != 0 {
		t.Errorf("not asked for: %v", got)
	}
}

func TestBuilderEmptyTree(t *testing.T) {
	s := newStore(t)
	root, stats := build(t, s)
	d, err := Load(s, root)
	if err != nil || len(d.Entries) != 0 || d.Mode != 0o755 || stats != (Stats{}) {
		t.Errorf("%+v, %+v, %v", d, stats, err)
	}
}

// The root digest depends on what was added, not on when.
func TestBuilderOrderDoesNotMatter(t *testing.T) {
	s := newStore(t)
	var inputs []input
	for i := range 5000 {
		inputs = append(inputs, file(fmt.Sprintf("d%d/e%d/\xfe%d", i%7, i%31, i)))
	}
	inputs = append(inputs, dir("d3", 0o711), dir("d3/e3", 0o700))
	want, _ := build(t, s, inputs...)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(inputs), func(i, j int) { inputs[i], inputs[j] = inputs[j], inputs[i] })
	if got, _ := build(t, s, inputs...); got != want {
		t.Errorf("shuffled inputs give %s, sorted ones %s", got, want)
	}
}

// conflicts has pairs that no tree can hold; the second is refused.
var conflicts = []struct {
	name        string
	first, then input
	is          error
	want        string
}{
	{"duplicate file", file("a"), file("a"), fs.ErrExist, "duplicate"},
	{"duplicate dir", dir("a", 0o755), dir("a", 0o755), fs.ErrExist, "duplicate"},
	{"duplicate symlink", link("a", "b"), link("a", "b"), fs.ErrExist, "duplicate"},
	{"file then dir", file("a"), dir("a", 0o755), fs.ErrExist, "duplicate"},
	{"dir then file", dir("a", 0o755), file("a"), fs.ErrExist, "duplicate"},
	{"file used as a directory", file("a/b"), file("a/b/c/d"), syscall.ENOTDIR, `parent "a/b" is a file`},
	{"directory used as a file", file("a/b/c/d"), file("a/b"), fs.ErrExist, "as a directory"},
	{"symlink used as a directory", link("a", "."), file("a/b"), syscall.ENOTDIR, `parent "a" is a symlink`},
	{"directory used as a symlink", file("a/b"), link("a", "."), fs.ErrExist, "as a directory"},
}

func TestBuilderConflicts(t *testing.T) {
	s := newStore(t)
	for _, c := range conflicts {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(s)
			if err := b.Add(c.first.path, c.first.Entry); err != nil {
				t.Fatal(err)
			}
			err := b.Add(c.then.path, c.then.Entry)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", c.then.path)) {
				t.Errorf("%v; want %q", err, c.want)
			}
			got, _, err := b.Finish()
			if want, _ := build(t, s, c.first); err != nil || got != want {
				t.Errorf("the refused entry changed the tree: %s, %v", got, err)
			}
		})
	}
}

func TestBuilderRefuses(t *testing.T) {
	good := file("a").Entry
	with := func(change func(*Entry)) Entry {
		e := good
		change(&e)
		return e
	}
	type refused struct {
		name, path string
		entry      Entry
		want       string
	}
	cases := []refused{
		{"file as root", "", good, "as a directory"},
		{"no digest", "a", Entry{}, "needs a digest"},
		{"other algorithm", "a", with(func(e *Entry) { e.Digest = cas.Sum(cas.BLAKE3, nil) }), "sha256, which the store uses"},
		{"negative size", "a", with(func(e *Entry) { e.Size = -1 }), "negative"},
		{"file type in mode", "a", with(func(e *Entry) { e.Mode = 0o100644 }), "mode"},
		{"mode of a dir", "a", Entry{Kind: Dir, Mode: 0o40755}, "mode"},
		{"nanoseconds", "a", with(func(e *Entry) { e.MtimeNsec = 1e9 }), "nanoseconds"},
		{"negative nanoseconds", "a", with(func(e *Entry) { e.MtimeNsec = -1 }), "nanoseconds"},
		{"mtime", "a", with(func(e *Entry) { e.MtimeSec = maxSeconds + 1 }), "years"},
		{"no target", "a", Entry{Kind: Symlink}, "target is empty"},
		{"long target", "a", Entry{Kind: Symlink, Target: strings.Repeat("x", 4096)}, "4096 bytes"},
		{"kind", "a", Entry{Kind: 7}, "unknown kind 7"},
	}
	for _, c := range badPaths[1:] { // "" is the root here
		cases = append(cases, refused{"path: " + c.name, c.path, good, c.want})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := NewBuilder(newStore(t)).Add(c.path, c.entry)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// failing is a store whose disk is full.
type failing struct{ *cas.Local }

func (failing) PutBytes([]byte) (cas.Digest, error) { return cas.Digest{}, syscall.ENOSPC }

func TestBuilderStoreFails(t *testing.T) {
	b := NewBuilder(failing{newStore(t)})
	if err := b.Add("a/b/c", Entry{Digest: digestA}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Finish(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), `"a/b"`) {
		t.Errorf("Finish: %v", err)
	}
}

// TestBuilderManyDirs has directories of several levels stored by several workers: the root is that of the same tree with its
// entries added in another order.
func TestBuilderManyDirs(t *testing.T) {
	s := newStore(t)
	var all []input
	for i := range 500 {
		all = append(all, file(fmt.Sprintf("a%d/b%d/c%d/f", i%3, i%50, i)), file(fmt.Sprintf("a%d/g%d", i%3, i)))
	}
	root, stats := build(t, s, all...)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if again, _ := build(t, s, all...); again != root || stats.Dirs != 3+150+500 {
		t.Errorf("root %s and %s, %+v", root, again, stats)
	}
	files := int64(0)
	err := Walk(s, root, func(_ string, e Entry, _ *Directory) error {
		if e.Kind == File {
			files++
		}
		return nil
	})
	if err != nil || files != 1000 {
		t.Errorf("%d files: %v", files, err)
	}
}
