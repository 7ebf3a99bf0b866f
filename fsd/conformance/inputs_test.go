package conformance

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
)

// input is one declared path: a file, unless it says otherwise.
type input struct {
	content string
	symlink string // its target
	dir     bool
	// mode is 0644 for a file and 0755 for a directory where it is zero.
	mode uint32
	// mtime is inputTime where it is zero.
	mtime unix.Timespec
}

// inputs are declared paths. Parents need not be among them: they have mode 0755 and the mtime 0.
type inputs map[string]input

// inputTime is in September 2001: what is as old as that was not changed by a test.
const inputTime = 1_000_000_000

func (in input) entry() tree.Entry {
	e := tree.Entry{Kind: tree.File, Mode: cmp.Or(in.mode, 0o644)}
	switch {
	case in.symlink != "":
		e.Kind, e.Target = tree.Symlink, in.symlink
	case in.dir:
		e.Kind, e.Mode = tree.Dir, cmp.Or(in.mode, 0o755)
	}
	mtime := cmp.Or(in.mtime, unix.Timespec{Sec: inputTime})
	e.MtimeSec, e.MtimeNsec = mtime.Sec, int32(mtime.Nsec)
	return e
}

// store puts the inputs into a store and returns their tree's root.
func (in inputs) store(t *testing.T, store *cas.Local) cas.Digest {
	t.Helper()
	b := tree.NewBuilder(store)
	blobs := map[string]cas.Digest{}
	for _, path := range in.paths() {
		e := in[path].entry()
		if e.Kind == tree.File {
			content := in[path].content
			digest, known := blobs[content]
			if !known {
				var err error
				digest, err = store.PutBytes([]byte(content))
				must(t, err)
				blobs[content] = digest
			}
			e.Digest, e.Size = digest, int64(len(content))
		}
		must(t, b.Add(path, e))
	}
	root, _, err := b.Finish()
	must(t, err)
	return root
}

// write makes a plain directory of the inputs. dir is there already.
func (in inputs) write(dir string) error {
	paths := in.paths()
	for _, path := range paths {
		if err := in[path].writeAt(filepath.Join(dir, path)); err != nil {
			return err
		}
	}
	// What was made in a directory has changed its time, and a mode may forbid to make more: the last paths first.
	done := map[string]bool{".": true}
	for _, path := range slices.Backward(paths) {
		for at := path; !done[at]; at = filepath.Dir(at) {
			done[at] = true
			if err := in.finish(dir, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in inputs) paths() []string { return slices.Sorted(maps.Keys(in)) }

func (in input) writeAt(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	switch e := in.entry(); e.Kind {
	case tree.Dir:
		return os.MkdirAll(path, 0o755)
	case tree.Symlink:
		return os.Symlink(e.Target, path)
	default:
		return os.WriteFile(path, []byte(in.content), 0o644)
	}
}

// finish gives a path that is written its mode and time.
func (in inputs) finish(dir, path string) error {
	e := tree.Entry{Kind: tree.Dir, Mode: 0o755}
	if one, ok := in[path]; ok {
		e = one.entry()
	}
	full := filepath.Join(dir, path)
	if e.Kind != tree.Symlink {
		if err := unix.Chmod(full, e.Mode); err != nil {
			return &os.PathError{Op: "chmod", Path: full, Err: err}
		}
	}
	mtime := unix.Timespec{Sec: e.MtimeSec, Nsec: int64(e.MtimeNsec)}
	err := unix.UtimesNanoAt(unix.AT_FDCWD, full, []unix.Timespec{mtime, mtime}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &os.PathError{Op: "utimensat", Path: full, Err: err}
	}
	return nil
}
