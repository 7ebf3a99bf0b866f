package install

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// errTOML is a file that can't be changed as text and mean what it shall.
var errTOML = errors.New("can't be edited safely")

// tables puts tables at the end of a TOML file.
type tables struct {
	// head is what a new file begins with.
	head string
	text string
}

var _ change = tables{}

func (t tables) apply(old []byte) ([]byte, put, error) {
	if old == nil {
		return []byte(t.head + t.text), put{Text: t.text}, nil
	}
	have, err := decode(old)
	if err != nil {
		return nil, put{}, err
	}
	want, err := decode([]byte(t.text))
	if err != nil {
		return nil, put{}, err
	}
	if within(want, have) {
		return old, put{}, nil
	}
	piece := "\n" + t.text
	if !bytes.HasSuffix(old, []byte("\n")) && len(old) > 0 {
		piece = "\n" + piece
	}
	text := append(bytes.Clone(old), piece...)
	got, err := decode(text)
	if err != nil || inline(old, want) || !reflect.DeepEqual(got, merged(have, want)) {
		return nil, put{}, fmt.Errorf("%w: something of it is there already", errTOML)
	}
	return text, put{Text: piece}, nil
}

func (t tables) byHand() string { return t.text }

// listItem puts a string into a list at the top of a TOML file.
type listItem struct {
	head, key, item string
}

var _ change = listItem{}

func (l listItem) apply(old []byte) ([]byte, put, error) {
	if old == nil {
		return []byte(l.head + l.line()), put{Text: l.line()}, nil
	}
	have, err := decode(old)
	if err != nil {
		return nil, put{}, err
	}
	list, isList := have[l.key].([]any)
	for _, v := range list {
		if v == l.item {
			return old, put{}, nil
		}
	}
	var text []byte
	var piece string
	if have[l.key] == nil {
		text, piece = insertAfterVersion(old, l.line())
	} else if isList {
		text, piece = l.extend(old, len(list) > 0)
	}
	want := merged(have, map[string]any{l.key: append(list[:len(list):len(list)], l.item)})
	got, err := decode(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		return nil, put{}, fmt.Errorf("%w: %s is not a list in one line", errTOML, l.key)
	}
	return text, put{Text: piece}, nil
}

func (l listItem) line() string { return fmt.Sprintf("%s = [%q]\n", l.key, l.item) }

func (l listItem) byHand() string { return l.line() }

// extend adds the item to a list that stands in one line.
func (l listItem) extend(old []byte, more bool) ([]byte, string) {
	at := regexp.MustCompile(`(?m)^[ \t]*` + regexp.QuoteMeta(l.key) + `[ \t]*=[ \t]*\[[^\]\n]*\]`).FindIndex(old)
	if at == nil {
		return nil, ""
	}
	piece := fmt.Sprintf("%q", l.item)
	if more {
		piece = ", " + piece
	}
	return insert(old, at[1]-1, piece), piece
}

// insertAfterVersion puts a line where no table has begun yet.
func insertAfterVersion(old []byte, line string) ([]byte, string) {
	at := regexp.MustCompile(`(?m)^version[ \t]*=.*\n`).FindIndex(old)
	if at == nil {
		return insert(old, 0, line), line
	}
	return insert(old, at[1], line), line
}

func insert(text []byte, at int, piece string) []byte {
	return append(append(bytes.Clone(text[:at]), piece...), text[at:]...)
}

func decode(text []byte) (map[string]any, error) {
	out := map[string]any{}
	if _, err := toml.Decode(string(text), &out); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "toml: "))
	}
	return out, nil
}

// merged is one tree with another put over it.
func merged(under, over map[string]any) map[string]any {
	out := make(map[string]any, len(under))
	for k, v := range under {
		out[k] = v
	}
	for k, v := range over {
		a, isMap := out[k].(map[string]any)
		b, both := v.(map[string]any)
		if isMap && both {
			v = merged(a, b)
		}
		out[k] = v
	}
	return out
}

// within tells whether everything of a tree is in another one.
func within(part, whole map[string]any) bool { return reflect.DeepEqual(merged(whole, part), whole) }

// inline tells whether a file may have one of the tables as an inline one. Those are closed: a table below one of them is
// an error of TOML, though not every decoder says so.
func inline(text []byte, tables map[string]any) bool {
	for key, v := range tables {
		below, isMap := v.(map[string]any)
		if !isMap {
			continue
		}
		if regexp.MustCompile(regexp.QuoteMeta(key)+`["']?[ \t]*=[ \t]*\{`).Match(text) || inline(text, below) {
			return true
		}
	}
	return false
}

// lookup is the value at a path of keys, nil when there is none.
func lookup(tree map[string]any, path ...string) any {
	var v any = tree
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}
