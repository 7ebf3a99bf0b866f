package view_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/trace"
	"github.com/casview/casview/fsd/view"
)

// fixture is a store with a tree in it.
type fixture struct {
	t     testing.TB
	store *cas.Local
	tree  *tree.Builder
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	store, err := cas.OpenLocal(filepath.Join(t.TempDir(), "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &fixture{t: t, store: store, tree: tree.NewBuilder(store)}
}

func (f *fixture) add(path string, e tree.Entry) {
	f.t.Helper()
	if err := f.tree.Add(path, e); err != nil {
		f.t.Fatalf("add %q: %v", path, err)
	}
}

// file adds a file of mode 0644 and mtime 0.
func (f *fixture) file(path, content string) cas.Digest {
	f.t.Helper()
	return f.fileWith(path, content, 0o644, 0, 0)
}

func (f *fixture) fileWith(path, content string, mode uint32, sec int64, nsec int32) cas.Digest {
	f.t.Helper()
	d, err := f.store.PutBytes([]byte(content))
	if err != nil {
		f.t.Fatal(err)
	}
	f.add(path, tree.Entry{
		Kind: tree.File, Digest: d, Size: int64(len(content)), Mode: mode, MtimeSec: sec, MtimeNsec: nsec,
	})
	return d
}

func (f *fixture) link(path, target string) {
	f.t.Helper()
	f.add(path, tree.Entry{Kind: tree.Symlink, Target: target, Mode: 0o777})
}

func (f *fixture) dir(path string) {
	f.t.Helper()
	f.add(path, tree.Entry{Kind: tree.Dir, Mode: 0o755})
}

func (f *fixture) finish() cas.Digest {
	f.t.Helper()
	root, _, err := f.tree.Finish()
	if err != nil {
		f.t.Fatal(err)
	}
	return root
}

// blobPath is where the store keeps d.
func (f *fixture) blobPath(d cas.Digest) string {
	return filepath.Join(f.store.Dir(), "blobs", d.Algorithm().String(), d.Hex()[:2], d.Hex())
}

// mounted is a served view and where it is mounted.
type mounted struct {
	t         testing.TB
	dir       string
	view      *view.View
	recorder  *trace.Recorder
	tracePath string
}

type mountOptions struct {
	view     view.Options
	writable bool // leave out "ro"
}

// mount mounts the fixture's tree.
func (f *fixture) mount() *mounted {
	f.t.Helper()
	return f.mountWith(mountOptions{})
}

func (f *fixture) mountWith(o mountOptions) *mounted {
	f.t.Helper()
	return mountRoot(f.t, f.store, f.finish(), o)
}

func mountRoot(t testing.TB, s cas.Reader, root cas.Digest, o mountOptions) *mounted {
	t.Helper()
	m := &mounted{t: t, dir: t.TempDir(), tracePath: filepath.Join(t.TempDir(), "trace")}
	file, err := os.OpenFile(m.tracePath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	m.recorder = trace.NewRecorder(file)
	if m.view, err = view.New(s, root, m.recorder, o.view); err != nil {
		t.Fatal(err)
	}
	device, tree := newMount(t, o.writable)
	server, err := fuse.NewServer(m.view, "/dev/fd/"+strconv.Itoa(device), m.view.MountOptions())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); server.Serve() }()
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, m.dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		t.Fatal("move_mount:", err)
	}
	unix.Close(tree)
	t.Cleanup(func() {
		if err := unix.Unmount(m.dir, unix.MNT_DETACH); err != nil {
			t.Error("unmount:", err)
		}
		select {
		case <-served:
		case <-time.After(20 * time.Second):
			t.Error("the server did not end after unmount")
		}
	})
	return m
}

// newMount makes a detached FUSE mount as the staging driver does. It returns the device and the mount.
func newMount(t testing.TB, writable bool) (device, tree int) {
	t.Helper()
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal("open /dev/fuse:", err)
	}
	fs, err := unix.Fsopen("fuse", unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Fatal("fsopen:", err)
	}
	defer unix.Close(fs)
	for _, option := range [][2]string{
		{"source", "casview"},
		{"fd", strconv.Itoa(device)},
		{"rootmode", "040000"},
		{"user_id", "0"},
		{"group_id", "0"},
		{"max_read", strconv.Itoa(view.MaxRead)},
	} {
		if err := unix.FsconfigSetString(fs, option[0], option[1]); err != nil {
			t.Fatalf("fsconfig %s: %v", option[0], err)
		}
	}
	flags := []string{"default_permissions", "allow_other", "ro"}
	if writable {
		flags = flags[:2]
	}
	for _, flag := range flags {
		if err := unix.FsconfigSetFlag(fs, flag); err != nil {
			t.Fatalf("fsconfig %s: %v", flag, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		t.Fatal("fsconfig create:", err)
	}
	tree, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		t.Fatal("fsmount:", err)
	}
	return device, tree
}

// path is where the view's path is mounted.
func (m *mounted) path(path string) string { return m.dir + "/" + path }

func (m *mounted) trace() trace.Trace {
	m.t.Helper()
	if err := m.recorder.Err(); err != nil {
		m.t.Fatal(err)
	}
	f, err := os.Open(m.tracePath)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	got, err := trace.Load(f)
	if err != nil || got.Torn {
		m.t.Fatalf("load trace: %v, torn %v", err, got.Torn)
	}
	return got
}

// requestsDuring returns what the kernel sent while fn ran.
func (m *mounted) requestsDuring(fn func()) map[string]uint64 {
	before := m.view.Requests()
	fn()
	diff := m.view.Requests()
	maps.DeleteFunc(diff, func(op string, n uint64) bool { return n == before[op] })
	for op := range diff {
		diff[op] -= before[op]
	}
	return diff
}

// requestsWhenCached is requestsDuring for a repetition, where want comes out unless something on the host makes the
// kernel drop its caches (other tests do). So fn may run a few times.
func (m *mounted) requestsWhenCached(want map[string]uint64, fn func()) map[string]uint64 {
	var got map[string]uint64
	for range 4 {
		if got = m.requestsDuring(fn); maps.Equal(got, want) {
			break
		}
	}
	return got
}

func wantRequests(t testing.TB, what string, got, want map[string]uint64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: requests %s, want %s", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
