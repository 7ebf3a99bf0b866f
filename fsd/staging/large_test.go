package staging

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/trace"
	"github.com/casview/casview/fsd/view"
)

// largeInputs are what the tests of the layer of large files start with. large and dir/large are in it.
type largeInputs struct {
	request Request
	store   *cas.Local
	trace   string // path
	blobs   map[string]cas.Digest
}

const largeSize = 200_000

func newLargeInputs(t *testing.T, o view.Options) *largeInputs {
	t.Helper()
	return newLargeInputsIn(t, filepath.Join(t.TempDir(), "store"), o)
}

// newLargeInputsIn has its store in a directory.
func newLargeInputsIn(t *testing.T, store string, o view.Options) *largeInputs {
	t.Helper()
	in := &largeInputs{request: newRequest(t, t.TempDir()), blobs: map[string]cas.Digest{}}
	var err error
	in.store, err = cas.OpenLocal(store, cas.SHA256)
	must(t, err)
	t.Cleanup(func() { in.store.Close() })
	b := tree.NewBuilder(in.store)
	b.LargeSize = largeSize
	for path, size := range map[string]int{
		"large": largeSize, "file": 4, "dir/large": largeSize + 1, "dir/file": largeSize - 1, "dir/empty": 0,
		"dir/sub/file": 4, "other/sub/file": 4, "warm/large": largeSize, "warm/file": 4,
	} {
		d, err := in.store.PutBytes([]byte(strings.Repeat(path[:1], size)))
		must(t, err)
		in.blobs[path] = d
		must(t, b.Add(path, tree.Entry{Kind: tree.File, Digest: d, Size: int64(size), Mode: 0o4651, MtimeSec: 1e9, MtimeNsec: 5}))
	}
	root, _, err := b.Finish()
	must(t, err)
	in.trace = filepath.Join(t.TempDir(), "trace")
	f, err := os.OpenFile(in.trace, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	o.Large = tree.LoadLarge(in.store, root)
	in.request.View, err = view.New(in.store, root, trace.NewRecorder(f), o)
	must(t, err)
	in.request.Source = "casview:" + rundir.NewNonce()
	return in
}

// TestRequestsOfLargeInputs says what accesses cost in directories that large inputs are in: such a name is looked for in the
// view, once, its content when it is opened for the first time, and each open is a request.
func TestRequestsOfLargeInputs(t *testing.T) {
	t.Parallel()
	const seen = "ls -lR . >&2; cat large dir/large dir/empty file dir/file >/dev/null; test -e absent || :"
	cases := []struct {
		name, before, script string
		want                 counts
	}{
		{"read a large input", "", "read -r a <large || :", counts{"lookup": 2, "open": 1}},
		{"stat a large input", "", "stat large >&2", counts{"lookup": 1}},
		{"read it again", seen, "read -r a <large || :", counts{"open": 1}},
		{"stat it again", seen, "stat large >&2", counts{}},
		{"read a small input beside it", "", "read -r a <file || :", counts{"lookup": 1, "read": 1}},
		{"look for an absent name", "", "! test -e absent", counts{"lookup": 1}},
		{"look for an absent name again", seen, "! test -e absent", counts{}},
		{"look for one where no large input is", "test -d other/sub", "! test -e other/sub/absent", counts{"lookup": 1}},
		{"find a directory without large inputs", "", "test -d other", counts{"lookup": 1}},
		// A listing of two layers has the names from both, and overlayfs looks for each in the view first, for its inode number.
		// What the view's listing has not told is asked for: dir/empty and dir/large.
		{"list", "", "ls dir >&2", counts{"lookup": 2, "readdirplus": 2}},
		{"list where no large input is", "test -d other/sub", "ls other/sub >&2", counts{"readdirplus": 2}},
		{"list again", seen, "ls -lR . >&2", counts{}},
		{"append to a large input", seen, "printf x >>large", counts{"open": 1}},
		{"unlink a large input", seen, "unlink large", counts{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := session(t, Overlay{}, newLargeInputs(t, view.Options{}).request)
			equal(t, "FUSE connections", len(s.Servers), 2)
			const warm = "ls warm >&2; cat warm/file dir/sub/file >/dev/null; printf x >>dir/sub/file; printf x >>warm/large; " +
				"ls -l dir/sub >&2; stat . dir >&2; ! test -e warm/absent"
			got := requestsOfLast(t, s, warm, c.before, c.script)
			delete(got, "release") // nobody waits for it
			if !maps.Equal(got, c.want) {
				t.Errorf("requests %v, want %v", got, c.want)
			}
		})
	}
}

func (in *largeInputs) traced(t *testing.T) trace.Trace {
	t.Helper()
	f, err := os.Open(in.trace)
	must(t, err)
	defer f.Close()
	got, err := trace.Load(f)
	must(t, err)
	return got
}

// TestTraceOfLargeInputs shows that a layer of its own changes nothing of what is recorded: no name is absent because the
// view hides it, and opening a file of the layer reads it.
func TestTraceOfLargeInputs(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, script           string
		inputs, listed, absent []string
	}{
		{"nothing", "true", nil, nil, nil},
		{"stat", "stat large dir/large >&2", nil, nil, nil},
		{"read", "read -r a <large || :; read -r a <dir/file || :", []string{"dir/file", "large"}, nil, nil},
		{"open", ": <dir/large", []string{"dir/large"}, nil, nil},
		{"absent", "! test -e absent; ! test -e dir/absent; ! test -e other/absent", nil, nil,
			[]string{"absent", "dir/absent", "other/absent"}},
		{"list", "ls . dir other >&2", []string{"dir/empty"}, []string{"", "dir", "other"}, nil},
		{"append", "printf x >>large", []string{"large"}, nil, nil},
		{"replace the content", "printf x >large", nil, nil, nil},
		{"unlink", "unlink dir/large; ! test -e dir/large", nil, nil, nil},
		{"rename", `"$SELF" do-rename dir/large there`, []string{"dir/large"}, nil, []string{"there"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := newLargeInputs(t, view.Options{})
			s := session(t, Overlay{}, in.request)
			equal(t, "FUSE connections", len(s.Servers), 2)
			job(t, s, c.script)
			got := in.traced(t)
			if !slices.Equal(got.Inputs, c.inputs) || !slices.Equal(got.Listed, c.listed) || !slices.Equal(got.Absent, c.absent) {
				t.Errorf("inputs %q, listed %q, absent %q", got.Inputs, got.Listed, got.Absent)
			}
		})
	}
}

// TestDamagedLargeInputs shows what a job sees of a blob that is not what the tree says, as with any other input.
func TestDamagedLargeInputs(t *testing.T) {
	t.Parallel()
	swap := func(path string) error {
		if err := os.Chmod(path, 0o644); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteAt([]byte("?"), 100)
		return err
	}
	cases := []struct {
		name   string
		damage func(path string) error
		verify bool
		fault  string // "" is none
	}{
		{"sound", func(string) error { return nil }, false, ""},
		{"sound and verified", func(string) error { return nil }, true, ""},
		{"missing", os.Remove, false, "not in the store"},
		{"short", func(path string) error { return os.Truncate(path, largeSize-1) }, false, "is 199999 bytes long, want 200000"},
		{"other content", swap, true, "has digest"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := newLargeInputs(t, view.Options{VerifyFirstRead: c.verify})
			blob := in.blobs["large"].Hex()
			must(t, c.damage(filepath.Join(in.store.Dir(), "blobs/sha256", blob[:2], blob)))
			s := session(t, Overlay{}, in.request)
			equal(t, "FUSE connections", len(s.Servers), 2)
			want := "0"
			if c.fault != "" {
				want = "1"
			}
			equal(t, "exit code of cat", job(t, s, "cat large >/dev/null && printf 0 || printf 1; cat file dir/large >/dev/null"), want)
			faults := in.traced(t).Faults
			if c.fault == "" && len(faults) == 0 {
				return
			}
			if len(faults) != 1 || faults[0].Path != "large" || !strings.Contains(faults[0].Cause, c.fault) {
				t.Errorf("faults %+v, want one of %q", faults, c.fault)
			}
		})
	}
}

// TestLargeInputsInUse opens one large input many times at once, over and over: it has one backing file as long as anybody
// has it open, and another one later.
func TestLargeInputsInUse(t *testing.T) {
	t.Parallel()
	s := session(t, Overlay{}, newLargeInputs(t, view.Options{}).request)
	equal(t, "FUSE connections", len(s.Servers), 2)
	const script = `
		for i in 1 2 3 4; do
			(for k in $(seq 200); do head -c 1 large; head -c 1 dir/large; done | tr -d '\n' | wc -c) &
		done
		wait
		cmp large - <dir/large | head -c 0
		stat -c %s large`
	equal(t, "bytes read", job(t, s, script), "400\n400\n400\n400\n200000\n")
}

// TestAttributesOfLargeInputs compares a large input's with those that another view shows without a layer for it.
func TestAttributesOfLargeInputs(t *testing.T) {
	t.Parallel()
	const script = "stat -c '%n %F %a %u:%g %h %s %B %o %y %x' large dir/large"
	want := job(t, session(t, ReadOnly{}, newLargeInputs(t, view.Options{UID: 7, GID: 8}).request), script)
	s := session(t, Overlay{}, newLargeInputs(t, view.Options{UID: 7, GID: 8}).request)
	equal(t, "FUSE connections", len(s.Servers), 2)
	equal(t, "attributes", job(t, s, script+"; getfattr -d -m - large dir/large"), want)
}

// TestLargeProgramRuns: programs are what many large inputs are.
func TestLargeProgramRuns(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile("/bin/bash")
	must(t, err)
	r := newRequest(t, t.TempDir())
	store, err := cas.OpenLocal(filepath.Join(t.TempDir(), "store"), cas.SHA256)
	must(t, err)
	t.Cleanup(func() { store.Close() })
	d, err := store.PutBytes(program)
	must(t, err)
	b := tree.NewBuilder(store)
	b.LargeSize = largeSize
	must(t, b.Add("bin/program", tree.Entry{Kind: tree.File, Digest: d, Size: int64(len(program)), Mode: 0o755}))
	root, _, err := b.Finish()
	must(t, err)
	r.View, err = view.New(store, root, nil, view.Options{Large: tree.LoadLarge(store, root)})
	must(t, err)
	s := session(t, Overlay{}, r)
	equal(t, "FUSE connections", len(s.Servers), 2)
	const script = `
		bin/program -c 'echo ran; printf x 2>/dev/null >>bin/program || echo busy'
		printf x >>bin/program && bin/program -c 'echo ran again'`
	equal(t, "output", job(t, s, script), "ran\nbusy\nran again\n")
}

// TestLargeInputsChange does to large inputs, and to what leads to them, what a job may do.
func TestLargeInputsChange(t *testing.T) {
	t.Parallel()
	s := session(t, Overlay{}, newLargeInputs(t, view.Options{}).request)
	equal(t, "FUSE connections", len(s.Servers), 2)
	const script = `
		printf '%s ' * dir/*; echo
		ino=$(stat -c %i large) dev=$(stat -c %d . large file dir/large | sort -u | wc -l)
		printf x >>large
		test "$(stat -c %i large)" = "$ino" && echo "$dev device, same inode"
		tail -c 2 large; echo
		ln dir/large link && stat -c '%h %s' link
		mv dir moved && printf '%s ' * moved/*; echo
		printf y >>moved/large; stat -c '%h %s' link moved/large; tail -c 1 link; echo
		rm -r moved && ! test -e moved
		mkdir dir && printf '%s ' dir/*; echo
		unlink large && ! test -e large && printf new >large && cat large`
	const want = `dir file large other warm dir/empty dir/file dir/large dir/sub 
1 device, same inode
lx
2 200001
file large link moved other warm moved/empty moved/file moved/large moved/sub 
2 200002
2 200002
y
dir/* 
new`
	equal(t, "what the job sees", job(t, s, script), want)
}

// TestWithoutPassthrough shows that large inputs are there where the kernel does not pass them through.
func TestWithoutPassthrough(t *testing.T) {
	if !again(t, userNamespace(1<<16)) {
		return
	}
	in := newLargeInputs(t, view.Options{})
	s := session(t, Overlay{}, in.request)
	equal(t, "FUSE connections", len(s.Servers), 1)
	equal(t, "what the job sees", job(t, s, "ls; stat -c %s large dir/large; head -c 3 large"), "dir\nfile\nlarge\nother\nwarm\n200000\n200001\nlll")
}

// TestStackedStore: the kernel takes no backing files from a filesystem that is on another one.
func TestStackedStore(t *testing.T) {
	if !again(t, mountNamespace()) {
		return
	}
	dir := t.TempDir()
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(t, unix.Mount("none", dir, "tmpfs", 0, ""))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	merged := filepath.Join(dir, "merged")
	must(t, unix.Mount("none", merged, "overlay", 0, fmt.Sprintf("lowerdir=%s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)))
	t.Cleanup(func() { must(t, unix.Unmount(merged, unix.MNT_DETACH)) })
	s := session(t, Overlay{}, newLargeInputsIn(t, filepath.Join(merged, "store"), view.Options{}).request)
	equal(t, "FUSE connections", len(s.Servers), 1)
	equal(t, "what the job sees", job(t, s, "head -c 3 large"), "lll")
}

// TestFUSEDriverShowsLargeInputs: only overlayfs can put layers together.
func TestFUSEDriverShowsLargeInputs(t *testing.T) {
	t.Parallel()
	in := newLargeInputs(t, view.Options{})
	s := session(t, FUSE{}, in.request)
	equal(t, "FUSE connections", len(s.Servers), 1)
	equal(t, "what the job sees", job(t, s, "ls; head -c 3 large"), "dir\nfile\nlarge\nother\nwarm\nlll")
}

// TestFallBackWithLargeInputs: a view that overlayfs was refused shows everything to the next driver.
func TestFallBackWithLargeInputs(t *testing.T) {
	in := newLargeInputs(t, view.Options{})
	in.request.Label = strings.Repeat("x", 300) // more than an option may have
	_, err := Overlay{}.Mount(in.request)
	if err == nil {
		t.Fatal("the kernel took the label")
	}
	in.request.Label = ""
	s := session(t, FUSE{}, in.request)
	equal(t, "what the job sees", job(t, s, "ls; head -c 3 large"), "dir\nfile\nlarge\nother\nwarm\nlll")
}

// TestOverlayOnTheView: a job may use its view as a layer of an overlay mount of its own. The kernel allows two such mounts
// on each other, and counts a FUSE connection that passes files through as one.
func TestOverlayOnTheView(t *testing.T) {
	t.Parallel()
	s := session(t, Overlay{}, newRequest(t, t.TempDir()))
	dir := t.TempDir()
	equal(t, "content", job(t, s, "DIR="+dir+"; "+overlayOnTheView), "file")
}

const overlayOnTheView = `
	mount -t tmpfs none "$DIR" && mkdir "$DIR/upper" "$DIR/work" "$DIR/merged"
	if mount -t overlay none -o "lowerdir=$PWD,upperdir=$DIR/upper,workdir=$DIR/work" "$DIR/merged" 2>/dev/null
	then cat "$DIR/merged/file"; umount "$DIR/merged"
	else printf refused
	fi
	umount "$DIR"`

// TestOverlayOnLargeInputs: difference 18 of docs/filesystem.md.
func TestOverlayOnLargeInputs(t *testing.T) {
	t.Parallel()
	s := session(t, Overlay{}, newLargeInputs(t, view.Options{}).request)
	equal(t, "mount", job(t, s, "DIR="+t.TempDir()+"; "+overlayOnTheView), "refused")
}
