package materialize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/internal/testfs"
	"github.com/casview/casview/cas/tree"
)

func openStore(t *testing.T) *cas.Local {
	t.Helper()
	s, err := cas.OpenLocal(filepath.Join(t.TempDir(), "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// file stores content and describes a file of it.
func file(t *testing.T, s *cas.Local, path, content string, mode uint32) Item {
	t.Helper()
	d, err := s.PutBytes([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return Item{Path: path, Digest: d, Mode: mode, MtimeSec: 1234567890, MtimeNsec: 123456789}
}

func dirItem(path string, mode uint32) Item {
	return Item{Path: path, Kind: tree.Dir, Mode: mode, MtimeSec: 1000000000, MtimeNsec: 7}
}

func symlink(path, target string) Item {
	return Item{Path: path, Kind: tree.Symlink, Target: target, MtimeSec: 999, MtimeNsec: 1}
}

func hardlink(first Item, path string) Item {
	first.HardlinkTo, first.Path = first.Path, path
	return first
}

func items(list ...Item) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for _, i := range list {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func write(t *testing.T, s *cas.Local, dir string, o Options, list ...Item) Stats {
	t.Helper()
	st, err := Write(context.Background(), s, dir, items(list...), o)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func statOf(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatalf("lstat %q: %v", path, err)
	}
	return st
}

// names lists everything below dir, by an independent walk.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	got := names(t, dir)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("in the directory: %q\nwant: %q", got, want)
	}
}

func TestTreeReadByAnotherProgram(t *testing.T) {
	s := openStore(t)
	b := tree.NewBuilder(s)
	content := map[string]string{
		"prog": "#!/bin/sh\n", "sub/none": "mode 0000", "sub/deep/setuid": "s", "odd\xff\nname": "odd", "empty": "",
		"large": strings.Repeat("0123456789abcdef", 100_000),
	}
	modes := map[string]uint32{"prog": 0o755, "sub/none": 0, "sub/deep/setuid": 0o6711, "odd\xff\nname": 0o640, "empty": 0o444, "large": 0o600}
	add := func(path string, e tree.Entry) {
		if err := b.Add(path, e); err != nil {
			t.Fatal(err)
		}
	}
	for path, c := range content {
		d, err := s.PutBytes([]byte(c))
		if err != nil {
			t.Fatal(err)
		}
		add(path, tree.Entry{Digest: d, Size: int64(len(c)), Mode: modes[path], MtimeSec: 1234567890, MtimeNsec: 123456789})
	}
	add("", tree.Entry{Kind: tree.Dir, Mode: 0o750, MtimeSec: 5, MtimeNsec: 6})
	add("sub", tree.Entry{Kind: tree.Dir, Mode: 0o1777, MtimeSec: 1000000000, MtimeNsec: 999999999})
	add("sub/closed", tree.Entry{Kind: tree.Dir, Mode: 0, MtimeSec: -5, MtimeNsec: 1})
	add("link", tree.Entry{Kind: tree.Symlink, Target: "/nowhere\xfe", MtimeSec: 42, MtimeNsec: 43})
	root, stats, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "new/out")
	got, err := Write(context.Background(), s, dir, TreeItems(s, root), Options{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	if got.Files != stats.Files || got.Dirs != stats.Dirs || got.Symlinks != 1 || got.Bytes != stats.Bytes {
		t.Errorf("stats %+v of a tree of %+v", got, stats)
	}
	// What stat(1) sees in a copy by cp(1) is what the tree says.
	copied := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	for path, want := range map[string]string{
		"":                "directory 750 5.000000006",
		"prog":            "regular file 755 1234567890.123456789",
		"sub":             "directory 1777 1000000000.999999999",
		"sub/none":        "regular file 0 1234567890.123456789",
		"sub/deep":        "directory 755 0.000000000",
		"sub/deep/setuid": "regular file 711 1234567890.123456789",
		"odd\xff\nname":   "regular file 640 1234567890.123456789",
		"empty":           "regular empty file 444 1234567890.123456789",
		"link":            "symbolic link 777 42.000000043",
	} {
		out, err := exec.Command("stat", "-c", "%F %a %.9Y", filepath.Join(copied, path)).Output()
		if line := strings.TrimSpace(string(out)); err != nil || line != want {
			t.Errorf("%q: stat says %q, %v; want %q", path, line, err, want)
		}
	}
	if st := statOf(t, filepath.Join(dir, "sub/closed")); st.Mtim != (unix.Timespec{Sec: -5, Nsec: 1}) || st.Mode != unix.S_IFDIR {
		t.Errorf("before 1970: %v, mode %o", st.Mtim, st.Mode)
	}
	for path, want := range content {
		if b, err := os.ReadFile(filepath.Join(copied, path)); err != nil || string(b) != want {
			t.Errorf("%q: %d bytes, %v", path, len(b), err)
		}
		if st := statOf(t, filepath.Join(dir, path)); st.Nlink != 1 {
			t.Errorf("%q has %d links: is it a file of the store?", path, st.Nlink)
		}
	}
	if target, err := os.Readlink(filepath.Join(copied, "link")); err != nil || target != "/nowhere\xfe" {
		t.Errorf("link to %q, %v", target, err)
	}
}

func TestHardlinks(t *testing.T) {
	s := openStore(t)
	a := file(t, s, "a", "shared", 0o640)
	list := []Item{a, hardlink(a, "b"), dirItem("d", 0o555), hardlink(hardlink(a, "b"), "d/c"), file(t, s, "same", "shared", 0o640)}
	dir := t.TempDir()
	for range 2 { // and again over what is there
		st := write(t, s, dir, Options{}, list...)
		if st.Files != 2 || st.Hardlinks != 2 || st.Bytes != 12 {
			t.Errorf("%+v", st)
		}
		wantNames(t, dir, "a", "b", "d", "d/c", "same")
		first := statOf(t, filepath.Join(dir, "a"))
		for _, name := range []string{"b", "d/c"} {
			if st := statOf(t, filepath.Join(dir, name)); st.Ino != first.Ino || st.Nlink != 3 || st.Mtim.Nsec != 123456789 {
				t.Errorf("%s: inode %d of %d, %d links", name, st.Ino, first.Ino, st.Nlink)
			}
		}
		if statOf(t, filepath.Join(dir, "same")).Ino == first.Ino {
			t.Error("equal content made a hard link")
		}
	}
}

func TestHardlinkOfUnselectedName(t *testing.T) {
	s := openStore(t)
	a := file(t, s, "x/a", "shared", 0o640)
	dir := t.TempDir()
	st := write(t, s, dir, Options{Only: []string{"y/**"}}, a, hardlink(a, "y/b"), hardlink(a, "z/c"), hardlink(a, "y/d"))
	if st.Files != 1 || st.Hardlinks != 1 {
		t.Errorf("%+v", st)
	}
	wantNames(t, dir, "y", "y/b", "y/d")
	if statOf(t, filepath.Join(dir, "y/b")).Ino != statOf(t, filepath.Join(dir, "y/d")).Ino {
		t.Error("two names of one file are two files")
	}
}

func TestOnly(t *testing.T) {
	s := openStore(t)
	dir := t.TempDir()
	write(t, s, dir, Options{Only: []string{"build/**/*.o", "*.log"}},
		dirItem("build", 0o750), dirItem("build/obj", 0o711), file(t, s, "build/obj/a.o", "a", 0o644), file(t, s, "build/a.c", "c", 0o644),
		dirItem("docs", 0o755), file(t, s, "docs/x", "x", 0o644), file(t, s, "top.log", "l", 0o644), symlink("latest.log", "top.log"))
	wantNames(t, dir, "build", "build/obj", "build/obj/a.o", "top.log", "latest.log")
	if st := statOf(t, filepath.Join(dir, "build/obj")); st.Mode != unix.S_IFDIR|0o711 || st.Mtim.Nsec != 7 {
		t.Errorf("a parent that was left out has mode %o, mtime %v", st.Mode, st.Mtim)
	}
	if _, err := Write(context.Background(), s, dir, items(), Options{Only: []string{"a[", "b"}}); err == nil || !strings.Contains(err.Error(), `"a["`) {
		t.Errorf("bad glob: %v", err)
	}
}

func TestExistingThings(t *testing.T) {
	s := openStore(t)
	dir := t.TempDir()
	if err := errors.Join(
		unix.Chmod(dir, 0o700),
		os.MkdirAll(filepath.Join(dir, "kept/mine"), 0o755),
		os.WriteFile(filepath.Join(dir, "kept/old"), []byte("old and longer"), 0o400),
		os.Symlink("kept/old", filepath.Join(dir, "was-link")),
	); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(filepath.Join(dir, "kept/old"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	write(t, s, dir, Options{}, dirItem("", 0o777), dirItem("kept", 0o705),
		file(t, s, "kept/old", "new", 0o644), file(t, s, "was-link", "file", 0o644))
	wantNames(t, dir, "kept", "kept/mine", "kept/old", "was-link")
	for name, want := range map[string]string{"kept/old": "new", "was-link": "file"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	b := make([]byte, 100)
	if n, err := reader.Read(b); err != nil || string(b[:n]) != "old and longer" {
		t.Errorf("who had the old file open reads %q, %v", b[:n], err)
	}
	if st := statOf(t, filepath.Join(dir, "kept")); st.Mode != unix.S_IFDIR|0o705 || st.Mtim.Sec != 1000000000 {
		t.Errorf("kept directory: mode %o mtime %v", st.Mode, st.Mtim)
	}
	if st := statOf(t, dir); st.Mode != unix.S_IFDIR|0o700 {
		t.Errorf("the caller's own directory now has mode %o", st.Mode)
	}
}

// Nothing is written outside, and what is refused leaves no temporary file.
func TestHostileItems(t *testing.T) {
	s := openStore(t)
	f := func(path string) Item { return file(t, s, path, "evil", 0o644) }
	missing := Item{Path: "f", Digest: cas.Sum(cas.SHA256, []byte("nowhere")), Mode: 0o644}
	tests := map[string]struct {
		plant func(dir, outside string) error
		items []Item
		want  string
	}{
		"planted symlink as parent": {
			plant: func(dir, outside string) error { return os.Symlink(outside, filepath.Join(dir, "d")) },
			items: []Item{f("d/f")}, want: "symlink"},
		"planted symlink as listed dir": {
			plant: func(dir, outside string) error { return os.Symlink(outside, filepath.Join(dir, "d")) },
			items: []Item{dirItem("d", 0o777)}, want: "symlink"},
		"planted symlink inside": {
			plant: func(dir, _ string) error {
				return errors.Join(os.Mkdir(filepath.Join(dir, "real"), 0o755), os.Symlink("real", filepath.Join(dir, "d")))
			},
			items: []Item{f("d/f")}, want: "symlink"},
		"symlink, then a file below": {items: []Item{symlink("d", "OUTSIDE"), f("d/f")}, want: "symlink"},
		"symlink, then a dir":        {items: []Item{symlink("d", "OUTSIDE"), dirItem("d", 0o777)}, want: "symlink"},
		"symlink, then a dir below":  {items: []Item{symlink("d", "OUTSIDE"), dirItem("d/e", 0o777)}, want: "symlink"},
		"symlink, then a symlink":    {items: []Item{symlink("d", "OUTSIDE"), symlink("d/e", "x")}, want: "symlink"},
		"dir, then a symlink":        {items: []Item{dirItem("d", 0o755), symlink("d", "OUTSIDE"), f("d/f")}, want: "rename"},
		"file where a dir is": {
			plant: func(dir, _ string) error { return os.Mkdir(filepath.Join(dir, "f"), 0o755) },
			items: []Item{f("f")}, want: "rename"},
		"dir where a file is": {
			plant: func(dir, _ string) error { return os.WriteFile(filepath.Join(dir, "f"), nil, 0o644) },
			items: []Item{f("f/g")}, want: "a file is where"},
		"dot dot":         {items: []Item{f("../f")}, want: `".."`},
		"dot dot inside":  {items: []Item{f("d/../../f")}, want: `".."`},
		"absolute":        {items: []Item{f("/f")}, want: "absolute"},
		"empty":           {items: []Item{f("")}, want: "empty"},
		"NUL":             {items: []Item{f("a\x00b")}, want: "NUL"},
		"twice":           {items: []Item{f("f"), f("f")}, want: "twice"},
		"bad kind":        {items: []Item{{Path: "f", Kind: 77}}, want: "unknown"},
		"utime now":       {items: []Item{{Path: "d", Kind: tree.Dir, MtimeNsec: unix.UTIME_NOW}}, want: "nanoseconds"},
		"no digest":       {items: []Item{{Path: "f"}}, want: "not in the store"},
		"missing blob":    {items: []Item{missing}, want: "not in the store"},
		"link to missing": {items: []Item{hardlink(f("none"), "l")}, want: "not among the files"},
		"link to itself":  {items: []Item{hardlink(f("l"), "l")}, want: "not among the files"},
		"link to later":   {items: []Item{hardlink(f("b"), "a"), hardlink(f("a"), "b")}, want: "not among the files"},
		"link to symlink": {items: []Item{symlink("s", "OUTSIDE/secret"), hardlink(f("s"), "l")}, want: "not among the files"},
		"link out":        {items: []Item{hardlink(f("../outside/secret"), "l")}, want: "not among the files"},
		"link to bystander": {
			plant: func(dir, _ string) error { return os.WriteFile(filepath.Join(dir, "mine"), []byte("mine"), 0o600) },
			items: []Item{hardlink(f("mine"), "l")}, want: "not among the files"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			dir, outside := filepath.Join(base, "dir"), filepath.Join(base, "outside")
			if err := errors.Join(os.Mkdir(dir, 0o755), os.Mkdir(outside, 0o751),
				os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600)); err != nil {
				t.Fatal(err)
			}
			if tt.plant != nil {
				if err := tt.plant(dir, outside); err != nil {
					t.Fatal(err)
				}
			}
			list := slices.Clone(tt.items)
			for i := range list {
				list[i].Target = strings.Replace(list[i].Target, "OUTSIDE", outside, 1)
			}
			before := statOf(t, outside)
			_, err := Write(context.Background(), s, dir, items(list...), Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if after := statOf(t, outside); after.Ctim != before.Ctim {
				t.Error("the directory outside was changed")
			}
			if st := statOf(t, filepath.Join(outside, "secret")); st.Nlink != 1 {
				t.Error("the file outside was linked")
			}
			for _, name := range names(t, dir) {
				if strings.Contains(name, ".casview-") {
					t.Errorf("left behind: %s", name)
				}
			}
		})
	}
}

func TestDamagedBlobDoesNotAppear(t *testing.T) {
	s := openStore(t)
	good, bad := file(t, s, "good", "good", 0o644), file(t, s, "d/bad", "what it was", 0o644)
	blob := filepath.Join(s.Dir(), "blobs/sha256", bad.Digest.Hex()[:2], bad.Digest.Hex())
	if err := errors.Join(os.Remove(blob), os.WriteFile(blob, []byte("what it is!"), 0o444)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err := Write(context.Background(), s, dir, items(good, bad), Options{})
	if !errors.Is(err, cas.ErrCorrupt) || !strings.Contains(err.Error(), `"d/bad"`) || !strings.Contains(err.Error(), bad.Digest.Hex()) {
		t.Errorf("%v", err)
	}
	for _, name := range names(t, dir) {
		if name != "good" && name != "d" {
			t.Errorf("appeared: %s", name)
		}
	}
}

func TestStoreIsUntouched(t *testing.T) {
	s := openStore(t)
	f := file(t, s, "f", "content", 0o666)
	blob := filepath.Join(s.Dir(), "blobs/sha256", f.Digest.Hex()[:2], f.Digest.Hex())
	before := statOf(t, blob)
	dir := t.TempDir()
	write(t, s, dir, Options{}, f)
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("overwritten"), 0o666); err != nil {
		t.Fatal(err)
	}
	after := statOf(t, blob)
	before.Atim, after.Atim = unix.Timespec{}, unix.Timespec{}
	if after != before {
		t.Error("the blob's inode changed")
	}
	if err := s.Verify(f.Digest); err != nil {
		t.Error(err)
	}
}

func TestReflinks(t *testing.T) {
	base := testfs.Reflink(t)
	s, err := cas.OpenLocal(filepath.Join(base, "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	content := strings.Repeat("cow", 1<<20)
	f := file(t, s, "f", content, 0o640)
	dir := filepath.Join(base, "out")
	if st := write(t, s, dir, Options{}, f); st.Reflinked != 1 || st.Bytes != int64(len(content)) {
		t.Errorf("%+v", st)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(b) != content {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if st := statOf(t, filepath.Join(dir, "f")); st.Mode != unix.S_IFREG|0o640 || st.Mtim.Nsec != 123456789 {
		t.Errorf("mode %o, mtime %v", st.Mode, st.Mtim)
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("overwritten"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(f.Digest); err != nil {
		t.Errorf("writing to the file reached the store: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	s, small := openStore(t), testfs.Tmpfs(t, "size=1m")
	large := file(t, s, "d/large", strings.Repeat("0123456789", 1<<18), 0o644)
	if _, err := Write(context.Background(), s, small, items(large), Options{}); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), `"d/large"`) {
		t.Errorf("%v", err)
	}
	wantNames(t, small, "d")
}

func TestErrorsOfItemsAndContext(t *testing.T) {
	s := openStore(t)
	broken := errors.New("broken")
	failing := func(yield func(Item, error) bool) {
		_ = yield(file(t, s, "f", "1", 0o644), nil) && yield(Item{}, broken)
	}
	if _, err := Write(context.Background(), s, t.TempDir(), failing, Options{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, err := Write(context.Background(), s, t.TempDir(), TreeItems(s, cas.Sum(cas.SHA256, []byte("none"))), Options{}); !errors.Is(err, cas.ErrNotFound) {
		t.Errorf("root not in the store: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if _, err := Write(ctx, s, dir, items(file(t, s, "f", "1", 0o644)), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	wantNames(t, dir)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), s, path, items(), Options{}); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file instead of a directory: %v", err)
	}
}

func TestLongPathsAndManyFiles(t *testing.T) {
	s := openStore(t)
	component := strings.Repeat("n", 255)
	list := []Item{file(t, s, strings.Repeat(component+"/", 20)+component, "deep", 0o644)}
	for i := range 500 {
		list = append(list, file(t, s, fmt.Sprintf("many/%d/%d", i%7, i), fmt.Sprint(i), 0o644))
	}
	var files, size int64
	dir := t.TempDir()
	st := write(t, s, dir, Options{Workers: 5, Progress: func(f, b int64) { files, size = f, b }}, list...)
	if st.Files != 501 || files != 501 || size != st.Bytes {
		t.Errorf("%+v, last progress %d files %d bytes", st, files, size)
	}
	for i := range 500 {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("many/%d/%d", i%7, i)))
		if err != nil || !bytes.Equal(b, fmt.Append(nil, i)) {
			t.Fatalf("%d: %q, %v", i, b, err)
		}
	}
	out, err := exec.Command("find", dir, "-path", "*/"+component, "-type", "f", "-size", "4c", "-printf", "x").Output()
	if err != nil || string(out) != "x" {
		t.Errorf("find of the deep file: %q, %v", out, err)
	}
}

// Files of one directory come to the workers many at a time; those before an error are written all the same.
func TestManyFilesOfOneDirectory(t *testing.T) {
	s := openStore(t)
	var list []Item
	for i := range 100 {
		list = append(list, file(t, s, fmt.Sprintf("a/%03d", i), fmt.Sprint(i), 0o644))
	}
	for i := range 3 * together {
		list = append(list, file(t, s, fmt.Sprintf("a/b/%03d", i), fmt.Sprint("b", i), 0o644))
	}
	list = append(list, file(t, s, "top", "top", 0o644))
	broken := errors.New("broken")
	for _, workers := range []int{1, 3} {
		for _, end := range []error{nil, broken} {
			dir := filepath.Join(t.TempDir(), "to")
			all := func(yield func(Item, error) bool) {
				for _, i := range list {
					if !yield(i, nil) {
						return
					}
				}
				if end != nil {
					yield(Item{}, end)
				}
			}
			if _, err := Write(context.Background(), s, dir, all, Options{Workers: workers}); !errors.Is(err, end) {
				t.Errorf("%d workers: %v, want %v", workers, err, end)
			}
			for _, i := range list {
				b, err := os.ReadFile(filepath.Join(dir, i.Path))
				if err != nil || cas.Sum(cas.SHA256, b) != i.Digest {
					t.Fatalf("%d workers, ending with %v: %s: %q, %v", workers, end, i.Path, b, err)
				}
			}
		}
	}
}
