package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// plant makes files (content), directories (name ends in "/") and symlinks ("-> target") and lets them be as old as old.
func plant(t *testing.T, dir string, old time.Duration, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = errors.Join(err, os.Symlink(target, path))
		} else if strings.HasSuffix(name, "/") {
			err = errors.Join(err, os.MkdirAll(path, 0o755))
		} else {
			err = errors.Join(err, os.WriteFile(path, []byte(content), 0o644))
			past := time.Now().Add(-old)
			err = errors.Join(err, os.Chtimes(path, past, past))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settle waits until what was planted is old enough for the index: a ctime can't be set.
func settle() { time.Sleep(racyMargin + 50*time.Millisecond) }

func run(t *testing.T, s *cas.Local, dir string, o Options) Result {
	t.Helper()
	r, err := Dir(context.Background(), s, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.IndexErr != nil {
		t.Error(r.IndexErr)
	}
	return r
}

// list gives every path of a tree as "path kind mode sec.nsec content|target", directories with their own attributes.
func list(t *testing.T, s *cas.Local, root cas.Digest) []string {
	t.Helper()
	var lines []string
	err := tree.Walk(s, root, func(path string, e tree.Entry, dir *tree.Directory) error {
		var what string
		switch e.Kind {
		case tree.Dir:
			e.Mode, e.MtimeSec, e.MtimeNsec = dir.Mode, dir.MtimeSec, dir.MtimeNsec
		case tree.Symlink:
			what = " -> " + e.Target
		case tree.File:
			b, err := s.ReadBlob(e.Digest, 1<<20)
			if err != nil || int64(len(b)) != e.Size {
				t.Errorf("%q: %d bytes, %v; want %d", path, len(b), err, e.Size)
			}
			what = " = " + string(b)
		}
		lines = append(lines, fmt.Sprintf("%q %s %o %d.%d%s", path, e.Kind, e.Mode, e.MtimeSec, e.MtimeNsec, what))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func wantList(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("tree:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func setMtimes(t *testing.T, dir string, names ...string) {
	t.Helper()
	for i, name := range names {
		ts := []unix.Timespec{{Sec: 1}, {Sec: int64(1000 + i), Nsec: int64(5 + i)}}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(dir, name), ts, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDirKeepsEverything(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, 0, map[string]string{
		"a": "alpha", "sub/empty/": "", "sub/prog": "#!", "link": "-> nowhere", "sub/up": "-> ../a", "odd\xff\n\"name": "odd", "zero": "",
	})
	if err := errors.Join(
		unix.Chmod(filepath.Join(dir, "sub/prog"), 0o4755),
		unix.Chmod(filepath.Join(dir, "sub/empty"), 0o1711),
		os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "a-too")),
		unix.Mkfifo(filepath.Join(dir, "sub/pipe"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	setMtimes(t, dir, "a", "sub/prog", "link", "sub/up", "odd\xff\n\"name", "zero", "sub/empty", "sub", ".")
	r := run(t, s, dir, Options{})
	wantList(t, list(t, s, r.Root), []string{
		`"" dir 755 1008.13`,
		`"a" file 644 1000.5 = alpha`,
		`"a-too" file 644 1000.5 = alpha`,
		`"link" symlink 777 1002.7 -> nowhere`,
		`"odd\xff\n\"name" file 644 1004.9 = odd`,
		`"sub" dir 755 1007.12`,
		`"sub/empty" dir 1711 1006.11`,
		`"sub/prog" file 4755 1001.6 = #!`,
		`"sub/up" symlink 777 1003.8 -> ../a`,
		`"zero" file 644 1005.10 = `,
	})
	if want := (Skip{"sub/pipe", "fifo", "not a storable type"}); !slices.Equal(r.Skipped, []Skip{want}) {
		t.Errorf("skipped %v", r.Skipped)
	}
	if r.Hashed != 5 || r.Reused != 0 || r.BytesRead != 15 || r.Stats.Files != 5 || r.Stats.Symlinks != 2 || r.Stats.Dirs != 2 {
		t.Errorf("result %+v", r)
	}
}

func TestSecondRunReadsNothing(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, time.Hour, map[string]string{"a": "1", "b/c": "2", "b/d": "3"})
	settle()
	first := run(t, s, dir, Options{})
	if first.Hashed != 3 {
		t.Fatalf("first run: %+v", first)
	}
	index := onlyIndex(t, s)
	before := statOf(t, index)
	second := run(t, s, dir, Options{})
	if second.Hashed != 0 || second.Reused != 3 || second.BytesRead != 0 || second.Root != first.Root {
		t.Errorf("second run: %+v", second)
	}
	if after := statOf(t, index); after.Ino != before.Ino {
		t.Error("an unchanged index was written again")
	}

	// One new, one changed, one touched, one replaced by a file of the same size and mtime.
	plant(t, dir, time.Hour, map[string]string{"new": "4", "a": "1+"})
	old := statOf(t, filepath.Join(dir, "b/c"))
	plant(t, dir, 0, map[string]string{"b/other": "X"})
	if err := os.Rename(filepath.Join(dir, "b/other"), filepath.Join(dir, "b/c")); err != nil {
		t.Fatal(err)
	}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(dir, "b/c"), []unix.Timespec{old.Atim, old.Mtim}, 0); err != nil {
		t.Fatal(err)
	}
	third := run(t, s, dir, Options{})
	if third.Hashed != 3 || third.Reused != 1 {
		t.Errorf("third run: %+v", third)
	}
	if got := strings.Join(list(t, s, third.Root), "\n"); !strings.Contains(got, "= X") || !strings.Contains(got, "= 1+") {
		t.Errorf("tree after changes:\n%s", got)
	}
}

func statOf(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st
}

func onlyIndex(t *testing.T, s *cas.Local) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.Dir(), "index/*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("index files: %v, %v", found, err)
	}
	return found[0]
}

// A file written just now can change once more without a new timestamp, so the index must not vouch for it.
func TestRacyFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, 0, map[string]string{"fresh": "1"})
	run(t, s, dir, Options{})
	if r := run(t, s, dir, Options{}); r.Hashed != 1 || r.Reused != 0 {
		t.Errorf("a file of this moment: %+v", r)
	}
	plant(t, dir, -time.Hour, map[string]string{"fresh": "1"})
	settle()
	run(t, s, dir, Options{})
	if r := run(t, s, dir, Options{}); r.Hashed != 1 {
		t.Errorf("a file of the future: %+v", r)
	}
}

// The index knows the file, the store has lost the blob.
func TestLostBlobIsReadAgain(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, time.Hour, map[string]string{"a": "lost", "b": "torn", "sub/c": "kept"})
	settle()
	first := run(t, s, dir, Options{})
	blob := func(content string) string {
		d := cas.Sum(cas.SHA256, []byte(content))
		return filepath.Join(s.Dir(), "blobs/sha256", d.Hex()[:2], d.Hex())
	}
	if err := errors.Join(os.Remove(blob("lost")), os.Remove(blob("torn")), os.WriteFile(blob("torn"), nil, 0o444)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.Dir(), "blobs/sha256", first.Root.Hex()[:2], first.Root.Hex())); err != nil {
		t.Fatal(err)
	}
	r := run(t, s, dir, Options{})
	if r.Hashed != 2 || r.Reused != 1 || r.Root != first.Root {
		t.Errorf("%+v", r)
	}
	list(t, s, r.Root)
}

func TestDamagedIndexIsIgnored(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, time.Hour, map[string]string{"a": "1", "b": "2"})
	settle()
	first := run(t, s, dir, Options{})
	path := onlyIndex(t, s)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte { b := bytes.Clone(good); b[at] ^= 1; return b }
	resum := func(b []byte) []byte {
		body := b[:len(b)-trailerSize]
		return append(bytes.Clone(body), cas.Sum(cas.SHA256, body).Bytes()...)
	}
	for name, bad := range map[string][]byte{
		"empty":           {},
		"cut":             good[:len(good)-1],
		"cut at a record": resum(good[:len(good)-recordSize]),
		"longer":          append(bytes.Clone(good), 0),
		"magic":           resum(flip(0)),
		"version":         resum(flip(len(indexMagic))),
		"algorithm":       resum(flip(len(indexMagic) + 1)),
		"count":           resum(flip(headerSize - 8)),
		"digest":          flip(len(good) - trailerSize - 1),
		"checksum":        flip(len(good) - 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := run(t, s, dir, Options{}); r.Hashed != 2 || r.Root != first.Root {
				t.Errorf("%+v", r)
			}
			if mended, err := os.ReadFile(path); err != nil || !bytes.Equal(mended, good) {
				t.Error("the index was not replaced by a good one")
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		r, err := Dir(context.Background(), s, dir, Options{})
		if err != nil || r.Root != first.Root || r.IndexErr == nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestOwnStoreIsSkipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := cas.OpenLocal(filepath.Join(dir, "state/store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	plant(t, dir, 0, map[string]string{"a": "1"})
	r := run(t, s, dir, Options{})
	if want := (Skip{"state/store", "dir", "casview's own store"}); !slices.Equal(r.Skipped, []Skip{want}) {
		t.Errorf("skipped %v", r.Skipped)
	}
	if r.Stats.Files != 1 || r.Stats.Dirs != 1 {
		t.Errorf("%+v", r.Stats)
	}
	if again := run(t, s, dir, Options{}); again.Root != r.Root {
		t.Error("ingesting changed what is ingested")
	}
	for _, inside := range []string{s.Dir(), filepath.Join(s.Dir(), "blobs")} {
		if _, err := Dir(context.Background(), s, inside, Options{}); err == nil || !strings.Contains(err.Error(), "own store") {
			t.Errorf("%s: %v", inside, err)
		}
	}
}

func TestExcludedDirectoriesAreSkipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state := filepath.Join(dir, "var/state")
	s, err := cas.OpenLocal(filepath.Join(state, "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	plant(t, dir, 0, map[string]string{"a": "1", "var/state/runs/x/run.json": "{}", "var/stately": "2", "link": "-> var/state"})
	o := Options{Exclude: []string{filepath.Join(dir, "missing"), filepath.Join(dir, "link")}}
	r := run(t, s, dir, o)
	if want := (Skip{"var/state", "dir", "casview's own directory"}); !slices.Equal(r.Skipped, []Skip{want}) {
		t.Errorf("skipped %v", r.Skipped)
	}
	if r.Stats.Files != 2 {
		t.Errorf("%+v", r.Stats)
	}
	plant(t, dir, 0, map[string]string{"var/state/runs/y/run.json": "{}"})
	if again := run(t, s, dir, o); again.Root != r.Root {
		t.Error("a change in an excluded directory changed the root")
	}
	for _, inside := range []string{state, filepath.Join(state, "runs/x")} {
		if _, err := Dir(context.Background(), s, inside, o); err == nil || !strings.Contains(err.Error(), "own directory") {
			t.Errorf("%s: %v", inside, err)
		}
	}
	listed := manifest(`{"path": "var/state/runs/x/run.json"}`)
	listed.Exclude = o.Exclude
	if _, err := Dir(context.Background(), s, dir, listed); err == nil || !strings.Contains(err.Error(), "own directory") {
		t.Errorf("in a manifest: %v", err)
	}
	if _, err := Dir(context.Background(), s, dir, Options{Exclude: []string{"state"}}); err == nil {
		t.Error("a relative path was taken")
	}
}

func TestProgressWithinAFile(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	const size = 64 << 20
	plant(t, dir, 0, map[string]string{"large": "", "small": "1"})
	if err := os.Truncate(filepath.Join(dir, "large"), size); err != nil {
		t.Fatal(err)
	}
	src, err := openSource(s, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	var last Progress
	between := 0
	report := newReporter(func(p Progress) {
		if p.Bytes < last.Bytes || p.Bytes > size+1 {
			t.Errorf("%d bytes after %d", p.Bytes, last.Bytes)
		}
		if p.Bytes > 1 && p.Bytes < size {
			between++
		}
		last = p
	})
	report.every = 0
	paths, _, err := src.scan(context.Background(), Options{Workers: 1}, report)
	if err != nil {
		t.Fatal(err)
	}
	for _, reused := range []bool{false, true} {
		known := &index{}
		if reused {
			for _, f := range paths {
				f.indexed = f.entry.Kind == tree.File
			}
			x := loadIndex(filepath.Join(t.TempDir(), "index"), s.Algorithm())
			if err := x.save(cas.Sum(cas.SHA256, nil), paths, false, time.Now()); err != nil {
				t.Fatal(err)
			}
			known = loadIndex(x.path, s.Algorithm())
			report.p.Files, report.p.Bytes, last = 0, 0, Progress{}
		}
		r := reader{store: s, root: src.fd, known: known, report: report}
		if err := r.all(context.Background(), paths, 1); err != nil {
			t.Fatal(err)
		}
		if want := (Progress{Files: 2, Bytes: size + 1, TotalFiles: 2, TotalBytes: size + 1}); last != want {
			t.Errorf("reused %v: ended at %+v, want %+v", reused, last, want)
		}
		if (r.reused.Load() == 2) != reused {
			t.Errorf("%d reused", r.reused.Load())
		}
	}
	if between < 10 {
		t.Errorf("%d reports within the file", between)
	}
}

func TestChangingFileIsAnError(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, time.Hour, map[string]string{"steady": "1", "sub/log": strings.Repeat("x", 8<<20)})
	f, err := os.OpenFile(filepath.Join(dir, "sub/log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = f.WriteString("more\n")
				time.Sleep(100 * time.Microsecond)
			}
		}
	}()
	// On a busy host the writer may have no turn while the file is read.
	for range 20 {
		if _, err = Dir(context.Background(), s, dir, Options{}); err != nil {
			break
		}
	}
	close(stop)
	<-ended
	if !errors.Is(err, errChanged) || !strings.Contains(err.Error(), `"sub/log"`) {
		t.Errorf("%v", err)
	}
	if _, err := Dir(context.Background(), s, dir, Options{}); err != nil {
		t.Errorf("once it is quiet: %v", err)
	}
}

// Whatever a path became between looking and reading, it is an error and nothing is followed.
func TestReplacedFileIsAnError(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(path string) error{
		"gone":        os.Remove,
		"symlink":     func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/etc/passwd", p)) },
		"fifo":        func(p string) error { return errors.Join(os.Remove(p), unix.Mkfifo(p, 0o644)) },
		"dir":         func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o755)) },
		"other file":  func(p string) error { return errors.Join(os.Remove(p), os.WriteFile(p, []byte("12345"), 0o644)) },
		"longer file": func(p string) error { return os.WriteFile(p, []byte("123456"), 0o644) },
		"parent is symlink": func(p string) error {
			parent := filepath.Dir(p)
			return errors.Join(os.Rename(parent, parent+"2"), os.Symlink(parent+"2", parent))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := openStore(t), t.TempDir()
			plant(t, dir, time.Hour, map[string]string{"sub/f": "12345"})
			// The last report of the scan comes when everything was looked at and nothing was read.
			once := false
			o := Options{Progress: func(p Progress) {
				if !p.Scanning && !once {
					once = true
					if err := replace(filepath.Join(dir, "sub/f")); err != nil {
						t.Error(err)
					}
				}
			}}
			if _, err := Dir(context.Background(), s, dir, o); !errors.Is(err, errChanged) || !strings.Contains(err.Error(), `"sub/f"`) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestErrorsNameThePath(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	if _, err := Dir(context.Background(), s, filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	dir := t.TempDir()
	plant(t, dir, 0, map[string]string{"f": "1", "g": "2", "d/h": "3"})
	if _, err := Dir(context.Background(), s, filepath.Join(dir, "f"), Options{}); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	if _, err := Dir(context.Background(), s, dir, Options{MaxInputs: 3}); err == nil || !strings.Contains(err.Error(), "policy.max_inputs") {
		t.Errorf("four paths of three: %v", err)
	}
	run(t, s, dir, Options{MaxInputs: 4})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Dir(ctx, s, dir, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	s, err := cas.OpenLocal(filepath.Join(testfs.Tmpfs(t, "size=1m"), "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	plant(t, dir, 0, map[string]string{"small": "1", "sub/large": strings.Repeat("x", 2<<20)})
	if _, err := Dir(context.Background(), s, dir, Options{}); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), `"sub/large"`) {
		t.Errorf("%v", err)
	}
}

// The directory may be given by any name; what it is decides.
func TestDirThroughSymlink(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, time.Hour, map[string]string{"real/f": "1", "alias": "-> real"})
	settle()
	first := run(t, s, filepath.Join(dir, "real"), Options{})
	second := run(t, s, filepath.Join(dir, "alias"), Options{})
	if second.Root != first.Root || second.Reused != 1 {
		t.Errorf("%+v, %+v", first, second)
	}
}

func TestWideAndDeep(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	for i := range 60 {
		files := make(map[string]string)
		for j := range 30 {
			files[fmt.Sprintf("d%d/e%d/f%d", i, j%5, j)] = fmt.Sprint(i, j)
		}
		plant(t, dir, time.Hour, files)
	}
	component := strings.Repeat("n", 255)
	deepDir(t, dir, component, 24)
	var last Progress
	o := Options{Workers: 7, Progress: func(p Progress) { last = p }}
	r := run(t, s, dir, o)
	if r.Stats.Files != 60*30+1 || r.Stats.Dirs != 60*6+24 {
		t.Errorf("%+v", r.Stats)
	}
	if last.Scanning || last.Files != r.Stats.Files || last.TotalFiles != r.Stats.Files || last.Bytes != r.Stats.Bytes || last.TotalBytes != last.Bytes {
		t.Errorf("last progress %+v of %+v", last, r.Stats)
	}
	deep := strings.Repeat(component+"/", 24) + "bottom"
	if e, err := tree.Resolve(s, r.Root, deep); err != nil || e.Digest != cas.Sum(cas.SHA256, []byte("deep")) {
		t.Errorf("path of %d bytes: %v, %v", len(deep), e, err)
	}
	if again := run(t, s, dir, Options{Workers: 1}); again.Root != r.Root {
		t.Error("one worker finds another tree")
	}
}

// deepDir makes depth nested directories with a file "bottom", below where a path string reaches.
func deepDir(t *testing.T, dir, component string, depth int) {
	t.Helper()
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for range depth {
		if err == nil {
			err = unix.Mkdirat(at, component, 0o755)
		}
		if err == nil {
			var next int
			next, err = unix.Openat(at, component, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
			unix.Close(at)
			at = next
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(at)
	fd, err := unix.Openat(at, "bottom", unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte("deep")); err != nil {
		t.Fatal(err)
	}
}
