package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/hook/install"
	"github.com/casview/casview/hook/spec"
)

// hookFile is what counts of a file of hooks.d (oci-hooks(5)).
type hookFile struct {
	Hook specs.Hook `json:"hook"`
	When struct {
		Always bool `json:"always"`
	} `json:"when"`
	Stages []string `json:"stages"`

	path string
}

func (h hookFile) ours() bool { return spec.Ours(h.Hook) }

// hooksOf says which folders an engine reads hooks from.
type hooksOf struct {
	engine string
	// dirs are read, in this order: of files of one name the last one counts.
	dirs []string
	// others are folders that may hold casview's files although the engine does not read them.
	others []string
	// where says what named dirs.
	where string
	// mend is the command by which the engine reads these folders.
	mend func(dirs []string) string
}

// hooks looks at the hooks that an engine runs, and tells whether casview's are among them.
func (d *doctor) hooks(ctx context.Context, l *list, h hooksOf) installation {
	files, ok := d.readHooks(l, h)
	if !ok {
		return unknown
	}
	var ours []hookFile
	for _, f := range files {
		if f.ours() {
			ours = append(ours, f)
		} else if takesEnvironment(f) {
			d.bareHooks = append(d.bareHooks, f.path)
		}
	}
	unread := d.unread(h)
	if len(ours) == 0 {
		if len(unread) == 0 {
			return missing
		}
		l.add(h.ignores(unread))
		return installed
	}
	l.ok(HooksDir, "hooks are read from "+strings.Join(h.dirs, ", "))
	if len(unread) > 0 {
		l.degraded(HookTwice,
			fmt.Sprintf("a second copy of casview's hooks is in %s, which %s does not read", unread[0], h.engine),
			"After a change there, nothing changes.", d.sudo("rm "+quote(unread[0])+"/casview-*.json"))
	}
	d.ours(ctx, l, ours, h.engine)
	if !slices.ContainsFunc(l.all, func(f Finding) bool { return f.ID == HookTwice }) {
		l.ok(HookTwice, "there is one copy of casview's hooks")
	}
	return installed
}

// ignores is the finding that casview's hooks are in folders which the engine does not read.
func (h hooksOf) ignores(unread []string) Finding {
	return Finding{
		ID: HooksDir, Status: Broken, Why: whySetup, Mend: h.mend(append(slices.Clone(h.dirs), unread...)),
		What: fmt.Sprintf("casview's hooks are in %s, which %s does not read (%s)", unread[0], h.engine, h.where),
	}
}

// readHooks returns the files that count, sorted by name. ok is false if the engine refuses containers because of them.
func (d *doctor) readHooks(l *list, h hooksOf) (files []hookFile, ok bool) {
	ok = true
	byName := map[string]hookFile{}
	for _, dir := range h.dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			l.broken(HooksDir, err.Error(),
				h.engine+" can't read it either, and starts no container, or one without its hooks.",
				d.sudo("chmod 0755 "+quote(dir)))
			ok = false
			continue
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) != ".json" {
				continue
			}
			f, err := readHook(filepath.Join(dir, e.Name()))
			if err != nil {
				l.broken(HookFile, err.Error(),
					h.engine+" starts no container while there is a file that it can't read.", d.mendHookFile(f.path, h.engine))
				ok = false
				continue
			}
			if before, there := byName[e.Name()]; there && f.ours() && !sameHook(before, f) && !d.usersOwn(before.path, f.path) {
				l.degraded(HookTwice, fmt.Sprintf("%s hides %s, which says something else", f.path, before.path),
					"Only one of them counts; a change to the other has no effect.", d.sudo("rm "+quote(before.path)))
			}
			byName[e.Name()] = f
		}
	}
	for _, f := range byName {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b hookFile) int { return strings.Compare(a.path, b.path) })
	return files, ok
}

// usersOwn tells whether a file of root's is hidden by the user's own: so a user has casview beside root's.
func (d *doctor) usersOwn(hidden, by string) bool {
	system := func(path string) bool {
		return slices.Contains([]string{install.SystemHooks, install.AdminHooks}, filepath.Dir(path))
	}
	return d.rootless() && system(hidden) && !system(by)
}

func (d *doctor) mendHookFile(path, engine string) string {
	if strings.HasPrefix(filepath.Base(path), "casview") {
		return d.install(engine, path)
	}
	return "mend " + quote(path) + ", or move it away: oci-hooks(5)"
}

func readHook(path string) (hookFile, error) {
	f := hookFile{path: path}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func sameHook(a, b hookFile) bool {
	return a.Hook.Path == b.Hook.Path && slices.Equal(a.Hook.Args, b.Hook.Args)
}

// unread are folders with casview's hooks in them that the engine does not read.
func (d *doctor) unread(h hooksOf) []string {
	var dirs []string
	for _, dir := range h.others {
		if slices.ContainsFunc(h.dirs, func(read string) bool { return filepath.Clean(read) == dir }) {
			continue
		}
		names, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		if slices.ContainsFunc(names, func(name string) bool {
			f, err := readHook(name)
			return err == nil && f.ours()
		}) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// takesEnvironment tells whether runc before 1.3 would give a hook the container's environment.
func takesEnvironment(f hookFile) bool {
	return f.Hook.Env == nil && slices.ContainsFunc(f.Stages,
		func(s string) bool { return s == "createContainer" || s == "startContainer" })
}

// ours looks at casview's own hooks: each stage once, and each able to run.
func (d *doctor) ours(ctx context.Context, l *list, files []hookFile, engine string) {
	d.stages(l, files, engine)
	var seen []string
	for _, f := range files {
		// The stages of one installation share program and configuration: one finding for both.
		same := strings.Join(append([]string{f.Hook.Path}, f.Hook.Args[:max(len(f.Hook.Args)-1, 0)]...), "\x00")
		if !slices.Contains(seen, same) {
			seen = append(seen, same)
			d.hookRuns(ctx, l, f.path, f.Hook, engine)
		}
	}
	d.hookOptions(l, files, engine)
}

func (d *doctor) stages(l *list, files []hookFile, engine string) {
	at := map[string][]hookFile{}
	for _, f := range files {
		for _, stage := range f.Stages {
			if stage == "prestart" {
				stage = string(spec.CreateRuntime)
			}
			at[stage] = append(at[stage], f)
		}
	}
	whole := true
	for _, stage := range []string{string(spec.CreateRuntime), string(spec.Poststop)} {
		switch files := at[stage]; {
		case len(files) == 0:
			whole = false
			l.broken(HookFile, fmt.Sprintf("no hook file calls casview-hook at %s", stage),
				"createRuntime gives a container its view, poststop waits for its outputs.", d.install(engine))
		case len(files) > 1:
			whole = false
			d.twice(l, files, stage)
		}
	}
	if whole {
		l.ok(HookFile, files[0].path+" and its like call casview-hook once at each stage")
	}
}

// twice tells of hooks that an engine calls one after the other: a second call of the same changes nothing.
func (d *doctor) twice(l *list, files []hookFile, stage string) {
	a, b := files[0], files[1]
	away := []string{quote(a.path)}
	if foreign := unrecorded(files, d.configFile()); len(foreign) > 0 && len(foreign) < len(files) {
		away = foreign
	}
	f := Finding{
		ID: HookTwice, Status: Degraded, What: fmt.Sprintf("%s and %s both call casview-hook at %s", a.path, b.path, stage),
		Why: "The second call only takes time.", Mend: d.sudo("rm " + strings.Join(away, " ")),
	}
	if a.Hook.Path != b.Hook.Path || configNamed(a.Hook) != configNamed(b.Hook) {
		f.Status, f.Why = Broken, "They are of two installations: with a state directory each, both want to give the container a view."
	}
	l.add(f)
}

// unrecorded are those, as a shell's words, that are on no record of what casview has installed: neither beside the
// configuration that they name, nor beside this one.
func unrecorded(files []hookFile, config string) (out []string) {
	for _, f := range files {
		if !install.Recorded(orDefault(configNamed(f.Hook)), f.path) && !install.Recorded(config, f.path) && !install.Recorded("", f.path) {
			out = append(out, quote(f.path))
		}
	}
	return out
}

// hookRuns looks at what a hook names: the program, the daemon beside it, and the configuration.
func (d *doctor) hookRuns(ctx context.Context, l *list, named string, h specs.Hook, engine string) {
	for _, path := range []string{h.Path, filepath.Join(filepath.Dir(h.Path), fsdName)} {
		if cause := cannotRun(path); cause != "" {
			l.broken(HookProgram, fmt.Sprintf("%s names %s: %s", named, h.Path, cause),
				engine+" leaves out a hook whose program is missing, without a word: the job runs without its inputs.",
				d.mendPrograms(engine))
			return
		}
	}
	l.ok(HookProgram, h.Path+" and the casview-fsd beside it can run")
	d.hookConfig(l, named, configNamed(h), engine)
	d.hookVersion(ctx, l, h.Path, engine)
}

// mendPrograms is what brings back a program that the engine needs, a hook's or another needed one. Installing names the programs beside this casview, which is
// no help where one of those is missing.
func (d *doctor) mendPrograms(engine string, needed ...string) string {
	for _, name := range append(needed, spec.HookName, fsdName) {
		if cannotRun(filepath.Join(d.Programs, name)) != "" {
			return d.completePrograms()
		}
	}
	return d.install(engine)
}

func (d *doctor) hookVersion(ctx context.Context, l *list, path, engine string) {
	version, err := programVersion(ctx, path)
	switch {
	case err != nil:
		l.broken(HookVersion, err.Error(), "The engine can't start it either.", d.install(engine))
	case version != d.Version:
		l.degraded(HookVersion, fmt.Sprintf("%s is %s, this casview is %s", path, version, d.Version),
			"Runs are made by one version and looked at by another.", d.install(engine)+"   # with the casview that shall be used")
	default:
		l.ok(HookVersion, "the hook is "+version+" as casview is")
	}
}
