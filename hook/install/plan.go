package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/spec"
)

// Action is what happens to a file.
type Action string

// Keep means that the file is right already, or that it is somebody's own to keep.
const (
	Create  Action = "create"
	Replace Action = "replace"
	Keep    Action = "keep"
	Remove  Action = "remove"
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

	// ours tells whether casview wrote what is there; nil: whatever is there may be replaced.
	ours func(old []byte) bool
	// once says that a file which is there is never touched, nor taken out.
	once bool
}

// String is the file's line in a listing of a plan.
func (f File) String() string { return fmt.Sprintf("%-7s %s", f.Action, f.Path) }

// Plan says what installing would do. It changes nothing. A file of somebody else in the way is an error.
func Plan(o Options) ([]File, error) {
	files, err := o.files()
	if err != nil {
		return nil, err
	}
	for i := range files {
		if files[i].Action, err = files[i].installing(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// PlanRemoval says what uninstalling would do: the engine's files go, as far as casview wrote them. Programs, configuration
// and state stay.
func PlanRemoval(o Options) ([]File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	files, err := o.podman()
	if err != nil {
		return nil, err
	}
	var out []File
	for _, f := range files {
		old, err := os.ReadFile(f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		}
		f.Action = Keep
		if f.ours(old) {
			f.Action = Remove
		}
		out = append(out, f)
	}
	return out, nil
}

// files is everything that an installation consists of, in the order in which it is written: hooks last, so that no engine
// calls a program that is not there yet.
func (o Options) files() (_ []File, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var out []File
	for _, name := range []string{"casview", "casview-fsd", spec.HookName} {
		f := File{Mode: 0o755, Source: filepath.Join(o.Programs, name)}
		if _, err := os.Stat(f.Source); err != nil {
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
	hooks, err := o.podman()
	return append(append(out, conf), hooks...), err
}

func (f File) installing() (Action, error) {
	old, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return Create, nil
	}
	if err != nil {
		return "", err
	}
	want := f.Content
	if f.Source != "" {
		if want, err = os.ReadFile(f.Source); err != nil {
			return "", err
		}
	}
	switch {
	case f.once || bytes.Equal(old, want):
		return Keep, nil
	case f.ours != nil && !f.ours(old):
		return "", fmt.Errorf("%s: is there and is not what casview wrote: move it away first", f.Path)
	}
	return Replace, nil
}
