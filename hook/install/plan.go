package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/spec"
)

// Action is what happens to a file.
type Action string

// Keep means that the file is right already, or that it is somebody's own to keep. ByHand is a change to a file of the
// administrator that only they may make.
const (
	Create  Action = "create"
	Replace Action = "replace"
	Edit    Action = "edit"
	Keep    Action = "keep"
	Remove  Action = "remove"
	Restore Action = "restore"
	ByHand  Action = "by-hand"
)

// File is one file of a plan.
type File struct {
	Action Action
	// Path is where this process sees it.
	Path string
	Mode fs.FileMode
	// Content is what it shall hold; for a program it is nil, and Source is the file to copy.
	Content []byte
	Source  string
	// Old is what it holds, nil where it is missing or a program.
	Old []byte
	// Why is the cause of ByHand, and of Keep where the file is not as casview left it.
	Why string
	// Leave says that Options.InPlace is what ByHand lacks.
	Leave bool
	// For are the engines that a file is kept for when others are uninstalled.
	For []string

	// change is what becomes of a file of the administrator; nil for a file that is casview's alone.
	change change
	put    put
	// undone says that a change is taken out of a file of the administrator.
	undone bool
	// own says that all of the old content is casview's: there is nothing to keep a backup of.
	own bool
	// once says that a file which is there is never touched.
	once bool
	// owners are the engines that the file is for.
	owners []string
}

// String is the file's line in a listing of a plan.
func (f File) String() string { return fmt.Sprintf("%-7s %s", f.Action, f.Path) }

// Plan is what installing or uninstalling would do.
type Plan struct {
	// Engines are those that it is for, Skipped those that All leaves out or that need nothing.
	Engines []Engine
	Skipped []Skipped
	Files   []File
	// Reload are the commands after which the engines know of it.
	Reload []string
	// First is how a first container runs on a view, for each engine.
	First []string

	options Options
	record  record
	removal bool
	first   []string // of each engine
	after   *record  // what stays on record after a removal
}

// NewPlan says what installing would do. It changes nothing. A file of somebody else in the way is an error.
func NewPlan(o Options) (*Plan, error) {
	p, use, err := newPlan(o)
	if err != nil || len(use) == 0 {
		return p, err
	}
	if p.Files, err = o.shared(slices.ContainsFunc(use, func(m method) bool { return m.wrapper })); err != nil {
		return nil, err
	}
	for i := range p.Files {
		for _, m := range use {
			p.Files[i].owners = append(p.Files[i].owners, o.owner(m.engine))
		}
	}
	for _, m := range use {
		if err := p.add(m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.engine, err)
		}
	}
	for i := range p.Files {
		if err := p.Files[i].decide(o, p.record); err != nil {
			return nil, err
		}
	}
	p.findReloads(use)
	p.findFirst(use)
	return p, nil
}

// findFirst lists how containers run, for engines that lack nothing then.
func (p *Plan) findFirst(use []method) {
	for i, m := range use {
		lacks := func(f File) bool {
			return f.Action == ByHand && slices.Contains(f.owners, p.options.owner(m.engine))
		}
		if !slices.ContainsFunc(p.Files, lacks) {
			p.First = append(p.First, p.first[i])
		}
	}
}

// findReloads lists the commands for engines whose configuration changes.
func (p *Plan) findReloads(use []method) {
	for _, m := range use {
		changes := func(f File) bool { return f.changes() && m.reloads(p.options, f) }
		if slices.ContainsFunc(p.Files, changes) {
			p.Reload = append(p.Reload, m.reloadCommand(p.options))
		}
	}
}

func newPlan(o Options) (*Plan, []method, error) {
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	r, err := o.readRecord()
	if err != nil {
		return nil, nil, err
	}
	use, skipped := o.methods()
	p := &Plan{Skipped: skipped, options: o, record: r}
	for _, m := range use {
		p.Engines = append(p.Engines, m.engine)
	}
	return p, use, nil
}

// add takes in what one engine needs; a file that another one needs too stands in the plan once.
func (p *Plan) add(m method) error {
	need, err := m.plan(p.options)
	if err != nil {
		return err
	}
	owner := p.options.owner(m.engine)
	for _, f := range need.files {
		f.owners = []string{owner}
		i := slices.IndexFunc(p.Files, func(g File) bool { return g.Path == f.Path })
		if i < 0 {
			p.Files = append(p.Files, f)
			continue
		}
		p.Files[i].owners = append(p.Files[i].owners, owner)
	}
	p.first = append(p.first, need.first)
	if need.nothing != "" {
		p.Skipped = append(p.Skipped, Skipped{m.engine, need.nothing})
	}
	return nil
}

// owner is an engine's name in the record: a user's own engine is another one than the system's.
func (o Options) owner(e Engine) string {
	if o.UserConfig != "" {
		return string(e) + " --user"
	}
	return string(e)
}

func programNames() []string { return []string{"casview", "casview-fsd", spec.HookName, RuntimeName} }

// shared is what all engines need, in the order in which it is written: before what makes an engine call programs.
func (o Options) shared(wrapper bool) (_ []File, err error) {
	var out []File
	for _, name := range programNames() {
		f := File{Mode: 0o755, Source: filepath.Join(o.Programs, name)}
		if _, err := os.Stat(f.Source); err != nil {
			if name == RuntimeName && !wrapper {
				continue
			}
			return nil, fmt.Errorf("program %s is missing: %w", name, err)
		}
		if !o.elsewhere() {
			continue // it runs from where it is
		}
		if f.Path, err = o.host(filepath.Join(o.bin(), name)); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	conf := File{Mode: 0o644, Content: []byte(config.DefaultTOML()), once: true}
	if conf.Path, err = o.host(o.configFile()); err != nil {
		return nil, err
	}
	return append(out, conf), nil
}

// decide says what installing does with the file.
func (f *File) decide(o Options, r record) error {
	old, err := os.ReadFile(f.Path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	if missing && exists(f.Path) {
		return fmt.Errorf("%s: is a symlink that leads nowhere: remove it first", f.Path)
	}
	if f.change != nil {
		return f.decideChange(o, r, old, missing)
	}
	want := f.Content
	if f.Source != "" {
		if want, err = os.ReadFile(f.Source); err != nil {
			return err
		}
	} else if !missing {
		f.Old = old
	}
	e, ours := r.find(o.onHost(f.Path))
	switch {
	case missing:
		f.Action = Create
	case f.once || bytes.Equal(old, want):
		f.Action = Keep
	case !ours:
		return fmt.Errorf("%s: is there and is not what casview wrote: move it away first", f.Path)
	case !e.wrote(old):
		return fmt.Errorf("%s: was edited since casview wrote it: move it away first", f.Path)
	default:
		f.Action = Replace
	}
	return nil
}
