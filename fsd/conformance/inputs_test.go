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
	b.LargeSize = largeFile
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
	made := map[string]bool{".": true}
	for _, path := range paths {
		if err := in.writeOne(dir, path, made); err != nil {
			return err
		}
	}
	// What was made in a directory has changed its time, and a mode may forbid to make more: the last paths first.
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(made))) {
		if err := in.finishDir(dir, path); err != nil {
			return err
		}
	}
	return nil
}

func (in inputs) paths() []string { return slices.Sorted(maps.Keys(in)) }

// writeOne makes a path and the parents that are not among made yet. Directories get their attributes later.
func (in inputs) writeOne(dir, path string, made map[string]bool) error {
	path = filepath.Clean(path)
	if made[path] {
		return nil
	}
	if err := in.writeDir(dir, filepath.Dir(path), made); err != nil {
		return err
	}
	full, one := filepath.Join(dir, path), in[path]
	switch e := one.entry(); e.Kind {
	case tree.Dir:
		return in.writeDir(dir, path, made)
	case tree.Symlink:
		if err := os.Symlink(e.Target, full); err != nil {
			return err
		}
		return setTime(full, e)
	default:
		return writeFile(full, e, one.content)
	}
}

func (in inputs) writeDir(dir, path string, made map[string]bool) error {
	if made[path] {
		return nil
	}
	if err := in.writeDir(dir, filepath.Dir(path), made); err != nil {
		return err
	}
	made[path] = true
	return os.Mkdir(filepath.Join(dir, path), 0o755)
}

// writeFile is made of few system calls, since the model test writes a hundred thousand files.
func writeFile(path string, e tree.Entry, content string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return &os.PathError{Op: "create", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(content)); err != nil {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	if e.Mode != 0o644 {
		if err := unix.Fchmod(fd, e.Mode); err != nil {
			return &os.PathError{Op: "chmod", Path: path, Err: err}
		}
	}
	return setTime(path, e)
}

func (in inputs) finishDir(dir, path string) error {
	e := tree.Entry{Kind: tree.Dir, Mode: 0o755}
	one, declared := in[path]
	if path == "." {
		one, declared = in[""]
	}
	if declared {
		e = one.entry()
	}
	full := filepath.Join(dir, path)
	if err := unix.Chmod(full, e.Mode); err != nil {
		return &os.PathError{Op: "chmod", Path: full, Err: err}
	}
	return setTime(full, e)
}

func setTime(path string, e tree.Entry) error {
	mtime := unix.Timespec{Sec: e.MtimeSec, Nsec: int64(e.MtimeNsec)}
	err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{mtime, mtime}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &os.PathError{Op: "utimensat", Path: path, Err: err}
	}
	return nil
}
