package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/google/renameio/v2"
)

// failed says which file an error is about, once.
func (f File) failed(err error) error {
	if at, ok := err.(*fs.PathError); ok && at.Path == f.Path {
		err = at.Err
	}
	return fmt.Errorf("%s %s: %w", f.Action, f.Path, err)
}

// Apply carries the plan out. Each file appears whole. After an error what was done before it stays and is on record, and
// doing it again is fine.
func (p *Plan) Apply() error {
	if p.removal {
		return p.remove()
	}
	before, after := p.record.clone(), p.record.clone()
	for _, f := range p.Files {
		if err := f.enter(p.options, &before, &after); err != nil {
			return f.failed(err)
		}
	}
	// On record before anything is made: what an interrupted installation has made can be taken out too.
	if err := p.options.writeRecord(p.record, before); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	for _, f := range p.Files {
		if err := f.apply(); err != nil {
			return f.failed(err)
		}
	}
	if err := p.options.writeRecord(before, after); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// enter puts the file on record: as it is while it is written, and as it is then.
func (f File) enter(o Options, before, after *record) error {
	e, ours := after.find(o.onHost(f.Path))
	switch {
	case f.Action == Keep && !ours && !f.onlyCasviews(), f.Action == ByHand:
		return nil // somebody else's
	case f.Action == Keep && ours:
		e.Engines = append(slices.Clone(e.Engines), f.owners...)
		before.put(e)
		after.put(e)
		return nil
	}
	digest, err := f.digest()
	if err != nil {
		return err
	}
	if f.change != nil {
		if e.Changed, err = json.Marshal(f.put); err != nil {
			return err
		}
		switch {
		case f.Action == Create:
			e.Backup, e.Was, e.Mixed = "", "", false
		case !ours:
			e.Backup, e.Was = o.onHost(f.Path+backupSuffix), sum(f.Old)
		case !e.wrote(f.Old) && e.Was != sum(f.Old):
			e.Mixed = true
		}
	}
	e.Path, e.Engines = o.onHost(f.Path), append(slices.Clone(e.Engines), f.owners...)
	e.SHA256 = append(slices.Clone(e.SHA256), digest)
	before.put(e)
	e.SHA256 = []string{digest}
	after.put(e)
	dirs := o.missingDirs(filepath.Dir(f.Path))
	for _, r := range []*record{before, after} {
		for _, d := range dirs {
			if !slices.Contains(r.Directories, d) {
				r.Directories = append(r.Directories, d)
			}
		}
	}
	return nil
}

// onlyCasviews tells that nobody else would write a file with this very content: one that is there is from an installation
// whose record was lost, and goes on record again. Programs may be a package's, and a configuration an administrator's.
func (f File) onlyCasviews() bool { return f.change == nil && !f.once && f.Source == "" }

// digest is that of what the file shall hold.
func (f File) digest() (string, error) {
	if f.Source == "" {
		return sum(f.Content), nil
	}
	b, err := os.ReadFile(f.Source)
	return sum(b), err
}

// missingDirs are the directories that have to be made for one, parents first, as the host has them. Root is none of the
// host's.
func (o Options) missingDirs(dir string) (out []string) {
	for ; !exists(dir) && o.onHost(dir) != "/"; dir = filepath.Dir(dir) {
		out = append(out, o.onHost(dir))
	}
	slices.Reverse(out)
	return out
}

func (f File) apply() error {
	switch f.Action {
	case Create, Replace:
		return f.write()
	case Edit:
		if f.own {
			return f.write()
		}
		// The backup is the old file itself, with its mode, owner and label.
		err := os.Link(f.Path, f.Path+backupSuffix)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return f.write()
	case Keep, ByHand:
		return nil
	}
	return errors.New("is not a plan's file")
}

func (f File) write() error {
	dir := filepath.Dir(f.Path)
	if err := makeDirs(dir); err != nil {
		return err
	}
	// IgnoreUmask: an administrator's umask must not hide hooks from other users' engines.
	opts := []renameio.Option{renameio.WithTempDir(dir), renameio.WithPermissions(f.Mode), renameio.IgnoreUmask()}
	old, err := os.Stat(f.Path)
	if f.Old != nil && err == nil {
		opts = append(opts, renameio.WithPermissions(old.Mode().Perm()))
	}
	out, err := renameio.NewPendingFile(f.Path, opts...)
	if err != nil {
		return err
	}
	defer out.Cleanup()
	if f.Old != nil && old != nil {
		if st, ok := old.Sys().(*syscall.Stat_t); ok && (int(st.Uid) != os.Geteuid() || int(st.Gid) != os.Getegid()) {
			if err := out.Chown(int(st.Uid), int(st.Gid)); err != nil {
				return err
			}
		}
	}
	if f.Source == "" {
		_, err = out.Write(f.Content)
	} else {
		err = copyInto(out, f.Source)
	}
	if err != nil {
		return err
	}
	return out.CloseAtomicallyReplace()
}

// makeDirs is os.MkdirAll whatever the umask.
func makeDirs(dir string) error {
	if exists(dir) {
		return nil
	}
	if err := makeDirs(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func copyInto(out io.Writer, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(out, in)
	return err
}
