package materialize

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// writer is one call of Write. One goroutine takes the items and makes directories and symlinks; others write the files.
// Hard links come after all files, modes and mtimes of directories last of all.
type writer struct {
	store     cas.Reader
	root      int // handle of the directory
	isNew     bool
	options   Options
	counts    counts
	buffers   sync.Pool
	noReflink atomic.Bool // these two filesystems can't

	dirs  map[string]*directory // that exist now or have an item
	taken map[string]bool       // paths of files, links and symlinks; true for what is written now and can be linked to
	links []Item
	heirs map[string]string // for a first name that was left out, the path that is written instead
}

// copyBuffer is how many bytes are read at once.
const copyBuffer = 256 << 10

func newWriter(s cas.Reader, dir string, o Options) (*writer, error) {
	w := &writer{store: s, options: o, counts: counts{to: o.Progress},
		dirs: make(map[string]*directory), taken: make(map[string]bool), heirs: make(map[string]string)}
	w.buffers.New = func() any { b := make([]byte, copyBuffer); return &b }
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	err := os.Mkdir(dir, 0o755)
	if w.isNew = err == nil; err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	if w.root, err = unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	w.dirs[""] = &directory{exists: true}
	return w, nil
}

func (w *writer) close() { _ = unix.Close(w.root) }

func (w *writer) write(ctx context.Context, items iter.Seq2[Item, error]) error {
	group, groupCtx := errgroup.WithContext(ctx)
	batches := make(chan []Item)
	for range w.options.Workers {
		group.Go(func() error { return w.files(groupCtx, batches) })
	}
	err := w.take(groupCtx, items, batches)
	close(batches)
	// A worker's error is the cause when the context ended.
	if groupErr := group.Wait(); groupErr != nil {
		err = groupErr
	}
	if err != nil {
		return err
	}
	for _, link := range w.links {
		if err := w.hardlink(link); err != nil {
			return fmt.Errorf("%q: %w", link.Path, err)
		}
	}
	return w.finishDirs()
}

// together is how many files of one directory a worker gets at the most while all are busy. The kernel lets one at a time
// make names in a directory: two workers would wait for each other.
const together = 16

// take makes what can be made at once and gives the files to the workers.
func (w *writer) take(ctx context.Context, items iter.Seq2[Item, error], batches chan<- []Item) error {
	var batch []Item
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case batches <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for item, err := range items {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			_ = send() // what came before is written; only the context's end keeps it from that
			return err
		}
		toWrite, err := w.item(item)
		if err != nil {
			_ = send()
			return fmt.Errorf("%q: %w", item.Path, err)
		}
		if !toWrite {
			continue
		}
		if len(batch) == together || len(batch) > 0 && !siblings(batch[0].Path, item.Path) {
			if err := send(); err != nil {
				return err
			}
		}
		batch = append(batch, item)
		select {
		case batches <- batch: // somebody has nothing to do
			batch = nil
		default:
		}
	}
	return send()
}

// siblings reports whether two paths are in the same directory.
func siblings(a, b string) bool {
	return a[:len(a)-len(lastName(a))] == b[:len(b)-len(lastName(b))]
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// item does what can be done at once, and reports whether a file with its content remains to be written.
func (w *writer) item(i Item) (toWrite bool, err error) {
	if err := check(i); err != nil {
		return false, err
	}
	if i.Kind == tree.Dir {
		return false, w.directory(i)
	}
	if !w.options.matches(i.Path) {
		return false, nil
	}
	if _, twice := w.taken[i.Path]; twice {
		return false, errors.New("comes twice")
	}
	w.taken[i.Path] = false
	if err := w.makeParents(i.Path); err != nil {
		return false, err
	}
	switch {
	case i.Kind == tree.Symlink:
		return false, w.symlink(i)
	case i.HardlinkTo != "" && !w.inherits(i):
		w.links = append(w.links, i)
		return false, nil
	}
	w.taken[i.Path] = true
	return true, nil
}

// inherits reports whether i is the first name of its file that is written at all.
func (w *writer) inherits(i Item) bool {
	if w.options.matches(i.HardlinkTo) {
		return false
	}
	if _, taken := w.heirs[i.HardlinkTo]; taken {
		return false
	}
	w.heirs[i.HardlinkTo] = i.Path
	return true
}

func check(i Item) error {
	if i.MtimeNsec < 0 || i.MtimeNsec > 999_999_999 {
		return fmt.Errorf("mtime of %d nanoseconds", i.MtimeNsec)
	}
	if i.Path == "" && i.Kind == tree.Dir {
		return nil
	}
	if err := tree.CheckPath(i.Path); err != nil {
		return err
	}
	if i.Kind != tree.File && i.Kind != tree.Dir && i.Kind != tree.Symlink {
		return fmt.Errorf("unknown %s", i.Kind)
	}
	return nil
}

// counts are the Stats while they grow. Methods may be called concurrently.
type counts struct {
	mu    sync.Mutex
	stats Stats
	to    func(files, bytes int64)
}

func (c *counts) add(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
	if c.to != nil {
		c.to(c.stats.Files+c.stats.Hardlinks, c.stats.Bytes)
	}
}

func (c *counts) get() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}
