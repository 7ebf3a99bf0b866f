package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// reserveBytes is enough for a failed result with its errors.
const reserveBytes = 64 << 10

// reserveForEnded is the part of it that recording the view's end may take.
const reserveForEnded = 16 << 10

// Runs is `<state>/runs` with `<state>/containers`, which leads from a container's id to its run, and `<state>/refused`.
type Runs struct {
	dir, containers, refused, begin string
}

// OpenRuns creates the first two where they are missing.
func OpenRuns(state string) (*Runs, error) {
	r := &Runs{dir: filepath.Join(state, "runs"), containers: filepath.Join(state, "containers"), refused: filepath.Join(state, "refused"),
		begin: filepath.Join(state, "begin.lock")}
	for _, d := range []string{r.dir, r.containers} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Create makes the directory of a new run and takes its lock. The directory appears under its name whole and locked. An
// ended run of the same name is moved aside, to NAME.<nonce>; a live one is ErrLocked.
func (r *Runs) Create(spec Spec) (*Dir, *Lock, error) {
	d := &Dir{path: filepath.Join(r.dir, ".new-"+spec.Nonce), spec: spec}
	lock, err := d.populate()
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(d.path))
	}
	if err := r.claim(d); err != nil {
		lock.Close()
		return nil, nil, errors.Join(err, os.RemoveAll(d.path))
	}
	err = errors.Join(r.forgetRefusal(d.spec.Run), r.forgetRefusal(KeyOfContainer(d.spec.Container)))
	if err != nil {
		lock.Close()
		return nil, nil, errors.Join(err, d.Remove())
	}
	return d, lock, nil
}

func (d *Dir) populate() (*Lock, error) {
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return nil, err
	}
	lock, err := tryLock(d.file(lockName), os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.writeJSON(specName, d.spec), d.reserve()); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

func (d *Dir) reserve() error {
	f, err := os.OpenFile(d.file(reserveName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, reserveBytes); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("%s: fallocate: %w", f.Name(), err)
	}
	return nil
}

// claim gives the new directory its name. From then on the run uses its inputs, for all to see.
func (r *Runs) claim(d *Dir) error {
	begin, err := r.lockBegin(unix.LOCK_SH)
	if err != nil {
		return err
	}
	defer begin.Close()
	name := filepath.Join(r.dir, string(d.spec.Run))
	for range 3 {
		err := unix.Renameat2(unix.AT_FDCWD, d.path, unix.AT_FDCWD, name, unix.RENAME_NOREPLACE)
		if err == nil {
			d.path = name
			return nil
		}
		if !errors.Is(err, unix.EEXIST) {
			return &os.LinkError{Op: "rename", Old: d.path, New: name, Err: err}
		}
		if err := r.moveAside(d.spec.Run); err != nil {
			return err
		}
	}
	return fmt.Errorf("run %s: several runs take this name at once", d.spec.Run)
}

func (r *Runs) moveAside(key RunKey) error {
	old, err := r.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.As(err, new(*tornError)) {
		return r.moveTornAside(key)
	}
	if err != nil {
		return err
	}
	lock, err := old.TryLock()
	if errors.Is(err, ErrLocked) {
		return fmt.Errorf("run %s is live already: choose another name, or wait for its end: %w", key, ErrLocked)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else has moved it
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	aside := filepath.Join(r.dir, string(key.aside(old.spec.Nonce)))
	return unix.Renameat2(unix.AT_FDCWD, old.path, unix.AT_FDCWD, aside, unix.RENAME_NOREPLACE)
}

// moveTornAside moves a run out of the way whose run.json can't be read.
func (r *Runs) moveTornAside(key RunKey) error {
	path := filepath.Join(r.dir, string(key))
	lock, err := tryLock(filepath.Join(path, lockName), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if lock != nil {
		defer lock.Close()
	}
	return unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, filepath.Join(r.dir, string(key.aside(NewNonce()))), unix.RENAME_NOREPLACE)
}

// Open finds a run by name; fs.ErrNotExist when there is none.
func (r *Runs) Open(key RunKey) (*Dir, error) {
	return OpenPath(filepath.Join(r.dir, string(key)))
}

// List returns all runs, sorted by name. A run that disappears meanwhile is left out. One that can't be read, like one whose
// run.json a power cut has torn, is an error, and the others are returned with it.
func (r *Runs) List() ([]*Dir, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, err
	}
	var out []*Dir
	var broken []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Type().IsRegular() { // a file is somebody else's
			continue
		}
		d, err := r.Open(RunKey(e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			broken = append(broken, err)
			continue
		}
		out = append(out, d)
	}
	return out, errors.Join(broken...)
}
