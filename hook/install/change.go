package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/casview/casview/hook/spec"
)

const backupSuffix = ".casview-backup"

// change is what casview needs in a file of the administrator.
type change interface {
	// apply returns the text with the change in it, and how to take it out again. old is nil where there is no file. A text
	// that says the same already comes back as it is.
	apply(old []byte) (text []byte, p put, err error)
	// byHand is what the administrator would add.
	byHand() string
}

// put is what a change has put into a file: a member of a JSON object, or a piece of text.
type put struct {
	Member []string        `json:"member,omitempty"`
	Value  json.RawMessage `json:"value,omitempty"`
	Text   string          `json:"text,omitempty"`
}

var errEdited = errors.New("what casview added was edited since: take it out yourself")

// undo takes it out again.
func (p put) undo(now []byte) ([]byte, error) {
	if p.Text != "" {
		switch n := bytes.Count(now, []byte(p.Text)); {
		case n == 0 && !bytes.Contains(now, []byte("casview")):
			return now, nil // it is out already
		case n != 1:
			return nil, errEdited
		}
		return bytes.Replace(now, []byte(p.Text), nil, 1), nil
	}
	value, err := spec.Member(now, p.Member...)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return now, nil
	}
	if !spec.SameJSON(value, p.Value) {
		return nil, errEdited
	}
	return spec.DropMember(now, p.Member...)
}

func (e entry) put() (p put, err error) {
	err = json.Unmarshal(e.Changed, &p)
	return p, err
}

// member puts a value into a JSON file.
type member struct {
	path  []string
	value any
}

var _ change = member{}

func (m member) apply(old []byte) ([]byte, put, error) {
	value, err := json.Marshal(m.value)
	if err != nil {
		return nil, put{}, err
	}
	p := put{Member: m.path, Value: value}
	if len(bytes.TrimSpace(old)) == 0 {
		text, err := json.MarshalIndent(m.nested(), "", "  ")
		return append(text, '\n'), p, err
	}
	have, err := spec.Member(old, m.path...)
	switch {
	case err != nil:
		return nil, p, err
	case spec.SameJSON(have, value):
		return old, p, nil
	case have != nil:
		return nil, p, fmt.Errorf("%s is there already and says something else", m.path[len(m.path)-1])
	}
	text, err := spec.PutMember(old, m.value, m.path...)
	return text, p, err
}

func (m member) nested() any {
	out := m.value
	for i := len(m.path) - 1; i >= 0; i-- {
		out = map[string]any{m.path[i]: out}
	}
	return out
}

func (m member) byHand() string {
	text, err := json.MarshalIndent(m.nested(), "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(text) + "\n"
}

// leftToAdmin is a change that casview does not make.
type leftToAdmin struct{ why, text string }

var _ change = leftToAdmin{}

func (l leftToAdmin) apply([]byte) ([]byte, put, error) { return nil, put{}, errors.New(l.why) }

func (l leftToAdmin) byHand() string { return l.text }

// decideChange says what installing does with a file of the administrator.
func (f *File) decideChange(o Options, r record, old []byte, missing bool) error {
	if !missing {
		path, err := filepath.EvalSymlinks(f.Path) // the file is meant, not a link to it
		if err != nil {
			return err
		}
		f.Path, f.Old = path, old
	}
	e, ours := r.find(o.onHost(f.Path))
	text, p, err := f.change.apply(old)
	if err == nil && !missing && bytes.Equal(text, old) {
		f.Action, f.Content = Keep, old
		return nil
	}
	if ours && !missing {
		text, p, err = again(f.change, e, old)
	}
	f.Content, f.put = text, p
	switch {
	case err != nil:
		f.Action, f.Why = ByHand, err.Error()
	case missing:
		f.Action = Create
	case !ours && !o.InPlace:
		f.Action, f.Leave, f.Why = ByHand, true, "it is not casview's to edit without --in-place"
	case !ours && exists(f.Path+backupSuffix):
		return fmt.Errorf("%s: is there already: move it away first", f.Path+backupSuffix)
	default:
		f.Action, f.own = Edit, ours && e.Backup == "" && e.wrote(old) && !e.Mixed
	}
	return nil
}

// again applies a change in the place of its earlier form.
func again(c change, e entry, old []byte) ([]byte, put, error) {
	before, err := e.put()
	if err != nil {
		return nil, before, err
	}
	if without, err := before.undo(old); err == nil {
		old = without
	}
	return c.apply(old)
}
