package conformance

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/casview/casview/fsd/result"
)

// host is the place that is no view.
const host = "host"

// place is a directory that starts with a test's inputs: a view, or a plain directory of the host's filesystem, which
// shows that a test expects what is right.
type place struct {
	dir string
	// driver is the staging driver, or host.
	driver string
	view   *mounted // nil on the host
	// fewFiles says that the driver does not keep staged files open.
	fewFiles bool
	hands    []*hand
}

// onEachPlace runs fn as one subtest on the host, one on each driver, and one on the fuse driver when it has to find
// staged files again by their names instead of keeping them open, with one processor.
func onEachPlace(t *testing.T, in inputs, fn func(t *testing.T, p *place)) {
	t.Helper()
	onEachPlaceWith(t, options{inputs: in}, fn)
}

// onEachPlaceWith is onEachPlace for views with more options.
func onEachPlaceWith(t *testing.T, o options, fn func(t *testing.T, p *place)) {
	t.Helper()
	t.Run(host, func(t *testing.T) {
		if why := notRootless(t); why != "" {
			t.Skip(why)
		}
		if os.Geteuid() != 0 {
			t.Skip("other users' processes need root")
		}
		dir := filepath.Join(t.TempDir(), "plain")
		must(t, os.Mkdir(dir, 0o755))
		must(t, o.inputs.write(dir))
		fn(t, &place{dir: dir, driver: host})
	})
	onView := func(t *testing.T, driver string) {
		o.driver = driver
		view := mountView(t, o)
		fn(t, &place{dir: view.Dir, driver: driver, view: view, fewFiles: o.fewFiles})
	}
	onEachView(t, onView)
	t.Run("fuse-few-files", func(t *testing.T) {
		if why := notRootless(t); why != "" {
			t.Skip(why)
		}
		o.fewFiles, o.gomaxprocs = true, 1
		onView(t, "fuse")
	})
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// result ends the processes in the place and the view, and returns what became of it, or nil on the host.
func (p *place) result() *result.Result {
	for _, h := range p.hands {
		h.end()
	}
	if p.view == nil {
		return nil
	}
	p.view.t.Helper()
	return p.view.End()
}

// walk visits every path below the root of a filesystem.
func walk(tree fs.FS, visit func(path string)) error {
	return fs.WalkDir(tree, ".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && path != "." {
			visit(path)
		}
		return err
	})
}

// crowd makes so many files and removes them that a driver with fewFiles has closed all that was not in use.
func (p *place) crowd(h *hand) {
	h.t.Helper()
	const n = 40
	h.ok("mkdir", "crowd", "0755")
	h.ok("fill", "crowd", strconv.Itoa(n))
	for i := range n {
		h.ok("unlink", "crowd/new"+strconv.Itoa(i))
	}
	h.ok("rmdir", "crowd")
}

// forget makes the kernel look names up again that nobody has open. On the host it need not.
func (p *place) forget(t *testing.T) {
	t.Helper()
	if p.view != nil {
		must(t, p.view.dropCaches())
	}
}
