package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// NewRemoval says what uninstalling would do: what casview made goes, as far as nobody has edited it and no other engine
// needs it. Store and runs stay.
func NewRemoval(o Options) (*Plan, error) {
	p, use, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	p.removal = true
	if o.Engine == All {
		use, p.Skipped = methods(), nil
	}
	p.Engines = nil
	if use, err = p.own(use); err != nil {
		return nil, err
	}
	var owners []string
	for _, m := range use {
		owners = append(owners, o.owner(m.engine))
	}
	for _, e := range slices.Backward(p.record.Files) {
		rest := slices.DeleteFunc(slices.Clone(e.Engines), func(owner string) bool { return slices.Contains(owners, owner) })
		if len(rest) == len(e.Engines) {
			continue
		}
		f, there, err := o.removing(e, rest)
		if err != nil {
			return nil, err
		}
		if there {
			p.Files = append(p.Files, f)
		}
		p.leave(e, rest, f.Action)
	}
	for _, m := range use {
		uses := func(e entry) bool { return slices.Contains(e.Engines, o.owner(m.engine)) }
		if slices.ContainsFunc(p.record.Files, uses) {
			p.Engines = append(p.Engines, m.engine)
		}
	}
	p.findReloads(use)
	return p, nil
}

// leave says what stays on record.
func (p *Plan) leave(e entry, rest []string, a Action) {
	i := p.next().index(e.Path)
	if len(rest) == 0 && a != ByHand {
		p.after.Files = slices.Delete(p.after.Files, i, i+1)
		return
	}
	if len(rest) > 0 {
		p.after.Files[i].Engines = rest
	}
}

func (p *Plan) next() *record {
	if p.after == nil {
		r := p.record.clone()
		p.after = &r
	}
	return p.after
}

// removing says what becomes of a file on record. there is false for one that is gone already.
func (o Options) removing(e entry, rest []string) (f File, there bool, err error) {
	f.owners, f.undone = e.Engines, len(e.Changed) > 0
	if f.Path, err = o.host(e.Path); err != nil {
		return f, false, err
	}
	now, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, false, nil
	}
	if err != nil {
		return f, false, err
	}
	switch {
	case len(rest) > 0:
		f.Action, f.For = Keep, rest
	case len(e.Changed) > 0:
		err = o.undoing(&f, e, now)
	case !e.wrote(now):
		f.Action, f.Why = Keep, "it was edited since casview wrote it"
	default:
		f.Action = Remove
	}
	return f, true, err
}

// undoing says how a change goes out of a file of the administrator.
func (o Options) undoing(f *File, e entry, now []byte) error {
	f.Old = now
	if e.Backup == "" {
		if e.wrote(now) && !e.Mixed {
			f.Action = Remove
			return nil
		}
	} else {
		backup, err := o.host(e.Backup)
		if err != nil {
			return err
		}
		untouched := e.wrote(now) && !e.Mixed || sum(now) == e.Was
		if f.Content, err = os.ReadFile(backup); err == nil && untouched {
			f.Action, f.Source = Restore, backup
			return nil
		}
		if sum(now) == e.Was {
			f.Action = Keep // nothing was put in yet
			return nil
		}
	}
	p, err := e.put()
	if err != nil {
		return err
	}
	text, err := p.undo(now)
	if err != nil {
		f.Action, f.Why = ByHand, err.Error()
		return nil
	}
	f.Action, f.Content = Edit, text
	return nil
}

// remove carries a removal out.
func (p *Plan) remove() error {
	for _, f := range p.Files {
		if err := f.undo(); err != nil {
			return f.failed(err)
		}
	}
	after := p.next()
	if len(after.Files) > 0 {
		if err := p.options.removeDirs(after); err != nil {
			return err
		}
		return p.options.writeRecord(p.record, *after)
	}
	path, err := p.options.recordFile()
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return p.options.removeDirs(after)
}

func (f File) undo() error {
	switch f.Action {
	case Remove:
		err := os.Remove(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	case Restore:
		return restore(f.Source, f.Path)
	case Edit:
		if err := f.write(); err != nil {
			return err
		}
		err := os.Remove(f.Path + backupSuffix)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	case Keep, ByHand:
		return nil
	}
	return errors.New("is not a plan's file")
}

// restore puts a backup back. rename(2) does nothing where both are one file still.
func restore(backup, path string) error {
	a, err := os.Stat(backup)
	if err != nil {
		return err
	}
	b, err := os.Stat(path)
	if err == nil && os.SameFile(a, b) {
		return os.Remove(backup)
	}
	return os.Rename(backup, path)
}

// removeDirs removes the directories on record that are empty, children first.
func (o Options) removeDirs(r *record) error {
	for _, dir := range slices.Backward(slices.Clone(r.Directories)) {
		path, err := o.host(dir)
		if err != nil {
			return err
		}
		err = unix.Rmdir(filepath.Clean(path))
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist):
			r.Directories = slices.DeleteFunc(r.Directories, func(d string) bool { return d == dir })
		case errors.Is(err, unix.ENOTEMPTY), errors.Is(err, unix.EEXIST), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EBUSY):
		default:
			return fmt.Errorf("remove %s: %w", path, err)
		}
	}
	return nil
}
