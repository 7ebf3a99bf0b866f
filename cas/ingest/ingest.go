package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"golang.org/x/sys/unix"
)

// Options says what to ingest and how. The zero value ingests everything with one worker per CPU.
type Options struct {
	Workers   int            // files read at once; 0: one per CPU
	Visible   io.Reader      // manifest of the paths to ingest; nil: all
	MaxInputs int            // most paths allowed; 0: no limit
	Exclude   []string       // absolute paths of casview's own directories, which are never ingested; they may be missing
	Progress  func(Progress) // called several times a second, never concurrently; may be nil
}

// Result says what was stored.
type Result struct {
	Root      cas.Digest
	Stats     tree.Stats
	Hashed    int64  // files that were read
	Reused    int64  // files that the index knew
	BytesRead int64  //
	Skipped   []Skip // sorted by path
	IndexErr  error  // why the index could not be saved: the next run reads more than it must, nothing else
}

// Skip is a path that was left out.
type Skip struct {
	Path   string // raw bytes
	Type   string // "socket", "fifo", "chardev", "blockdev" or "dir"
	Reason string
}

// Dir stores the directory dir and returns the root of its tree, which is durable by then. Symlinks, empty directories,
// permission bits and mtimes in nanoseconds are kept; hard links become separate files.
//
// With Options.Visible only the paths of that manifest are stored. Its files must exist below dir and have the hash that
// is given, if one is; mode and mtime come from dir unless they are given. A directory or symlink that dir does not have
// is made as the manifest says.
//
// A file that cannot be read, or changes from when it was looked at until it has been read, is an error that names it.
// Nothing needs undoing after an error: blobs that were stored are used by the next run.
func Dir(ctx context.Context, s *cas.Local, dir string, o Options) (Result, error) {
	r, err := ingest(ctx, s, dir, o)
	if err != nil {
		return Result{}, fmt.Errorf("ingest %s: %w", dir, err)
	}
	return r, nil
}

func ingest(ctx context.Context, s *cas.Local, dir string, o Options) (Result, error) {
	src, err := openSource(s, dir, o.Exclude)
	if err != nil {
		return Result{}, err
	}
	defer src.close()
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	known := loadIndex(indexPath(s, src.path), s.Algorithm())
	report := newReporter(o.Progress)

	var paths []*found
	var skipped []Skip
	if o.Visible != nil {
		paths, err = src.visible(ctx, o, report)
	} else {
		paths, skipped, err = src.scan(ctx, o, report)
	}
	if err != nil {
		return Result{}, err
	}
	reader := reader{store: s, root: src.fd, known: known, report: report}
	if err := reader.all(ctx, paths, o.Workers); err != nil {
		return Result{}, err
	}
	dirs := &dirWriter{Local: s}
	root, stats, err := build(dirs, paths)
	if err != nil {
		return Result{}, err
	}
	// An index is saved only after a sync. If it already led to this very root, everything below that is durable.
	if reader.hashed.Load() > 0 || dirs.wrote.Load() || known.root != root {
		if err := s.Sync(); err != nil {
			return Result{}, err
		}
	}
	r := Result{Root: root, Stats: stats, Hashed: reader.hashed.Load(), Reused: reader.reused.Load(),
		BytesRead: reader.bytes.Load(), Skipped: skipped}
	r.IndexErr = known.save(root, paths, o.Visible != nil, time.Now())
	return r, nil
}

// found is one path that goes into the tree.
type found struct {
	path     string // raw bytes; "" is the root
	entry    tree.Entry
	id       identity     // of a file
	indexed  bool         // a file whose digest may be trusted next time
	known    bool         // a file whose digest the index had
	declared *declaration // nil unless a manifest lists the path
}

// declaration is what a manifest says about a path and must be checked.
type declaration struct {
	number int // of the entry, from 1
	hash   cas.Digest
	size   int64 // -1: not given
}

// wrap puts the path in front of an error.
func (f *found) wrap(err error) error {
	if f.declared != nil {
		return fmt.Errorf("entry %d %q: %w", f.declared.number, f.path, err)
	}
	return pathError(f.path, err)
}

// pathError puts path in front of an error, "." for the directory itself.
func pathError(path string, err error) error {
	if path == "" {
		path = "."
	}
	return fmt.Errorf("%q: %w", path, err)
}

// dirWriter notes whether the store did not have all directories of a tree.
type dirWriter struct {
	*cas.Local
	wrote atomic.Bool
}

func (w *dirWriter) PutBytes(b []byte) (cas.Digest, error) {
	d := cas.Sum(w.Algorithm(), b)
	if kept, err := w.Keep(d, int64(len(b))); kept || err != nil {
		return d, err
	}
	w.wrote.Store(true)
	return w.Local.PutBytes(b)
}

func build(s tree.Writer, paths []*found) (cas.Digest, tree.Stats, error) {
	b := tree.NewBuilder(s)
	for _, f := range paths {
		if err := b.Add(f.path, f.entry); err != nil {
			return cas.Digest{}, tree.Stats{}, f.wrap(err)
		}
	}
	return b.Finish()
}

// source is the directory that is ingested.
type source struct {
	fd   int
	path string // absolute, without symlinks
	own  []own
}

// own is a directory of casview, which is never ingested.
type own struct {
	what     string
	dev, ino uint64
	inner    string // its path relative to the source if it lies inside, else ""
}

func openSource(s *cas.Local, dir string, exclude []string) (*source, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nil, err
	}
	src := &source{path: path}
	if err := src.keepOut(s.Dir(), "casview's own store"); err != nil {
		return nil, err
	}
	for _, dir := range exclude {
		if !filepath.IsAbs(dir) {
			return nil, fmt.Errorf("excluded directory %q: not an absolute path", dir)
		}
		if err := src.keepOut(dir, "casview's own directory"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if src.fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return src, nil
}

// keepOut makes dir one that is never ingested. what says in messages which one it is.
func (src *source) keepOut(dir, what string) error {
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if _, ok := below(path, src.path); ok || path == src.path {
		return fmt.Errorf("it lies in %s", what)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	o := own{what: what, dev: uint64(st.Dev), ino: st.Ino}
	o.inner, _ = below(src.path, path)
	src.own = append(src.own, o)
	return nil
}

// isOwn finds casview's own directories by identity: a bind mount shows them under other paths.
func (src *source) isOwn(st *unix.Stat_t) (what string, ok bool) {
	for _, o := range src.own {
		if uint64(st.Dev) == o.dev && st.Ino == o.ino {
			return o.what, true
		}
	}
	return "", false
}

// inOwn finds them by path, relative to the source.
func (src *source) inOwn(path string) (what string, ok bool) {
	for _, o := range src.own {
		if o.inner != "" && (path == o.inner || strings.HasPrefix(path, o.inner+"/")) {
			return o.what, true
		}
	}
	return "", false
}

func (src *source) close() { _ = unix.Close(src.fd) }

// below returns path relative to dir if it lies in it, else ""; both absolute and clean.
func below(dir, path string) (rel string, ok bool) {
	if dir != "/" {
		dir += "/"
	}
	if rel, ok = strings.CutPrefix(path, dir); !ok || rel == "" {
		return "", false
	}
	return rel, true
}

// limit says that there are more paths than allowed.
func limit(count, most int) error {
	if most > 0 && count > most {
		return fmt.Errorf("more than %d paths, the limit that policy.max_inputs sets", most)
	}
	return nil
}

func sortSkips(skips []Skip) {
	slices.SortFunc(skips, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) })
}
