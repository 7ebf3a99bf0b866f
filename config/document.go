package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// document is a parsed file before its values are taken: it knows every key's type and line, which
// the library's own decoder only tells for some errors.
type document struct {
	top  map[string]toml.Primitive
	meta toml.MetaData
}

func parseDocument(text string) (*document, error) {
	d := &document{}
	var err error
	d.meta, err = toml.Decode(text, &d.top)
	return d, err
}

// checkKeys reports the first key, in the order of the file, that is unknown or has the wrong type.
func (d *document) checkKeys() error {
	known := schema(reflect.TypeFor[Config](), nil)
	for _, key := range d.meta.Keys() {
		want, ok := known[key.String()]
		if !ok {
			return &problem{key: key, reason: unknownKey(key), unknown: true}
		}
		if err := d.checkType(key, want); err != nil {
			return &problem{key: key, reason: err.Error()}
		}
	}
	return nil
}

func (d *document) checkType(key toml.Key, want valueType) error {
	if got := d.meta.Type(key...); got != string(want) {
		return fmt.Errorf("must be %s, not %s", want, valueType(got))
	}
	if want == typeArray {
		var list []string
		if err := d.meta.PrimitiveDecode(d.find(key), &list); err != nil {
			return errors.New("must be a list of strings")
		}
	}
	return nil
}

func (d *document) find(key toml.Key) toml.Primitive {
	table := d.top
	for _, part := range key[:len(key)-1] {
		table = d.table(table[part])
	}
	return table[key[len(key)-1]]
}

// line is where key has its value. For a key that the file does not have it is the line of the
// nearest table above that the file has, and 0 if there is none.
func (d *document) line(key toml.Key) int {
	line := 0
	table := d.top
	for _, part := range key {
		p, ok := table[part]
		if !ok {
			break
		}
		var at toml.ParseError
		if errors.As(d.meta.PrimitiveDecode(p, &here{}), &at) && at.Position.Line > 0 {
			line = at.Position.Line
		}
		table = d.table(p)
	}
	return line
}

// table is nil for a value that is no table.
func (d *document) table(p toml.Primitive) map[string]toml.Primitive {
	var t map[string]toml.Primitive
	if err := d.meta.PrimitiveDecode(p, &t); err != nil {
		return nil
	}
	return t
}

// here refuses every value: the library keeps the lines of keys to itself, except in the error that
// it makes of an Unmarshaler's error.
type here struct{}

var _ toml.Unmarshaler = (*here)(nil)

func (*here) UnmarshalTOML(any) error { return errors.New("here") }

// valueType is a TOML type in the library's words.
type valueType string

const (
	typeString  valueType = "String"
	typeInteger valueType = "Integer"
	typeBool    valueType = "Bool"
	typeArray   valueType = "Array"
	typeTable   valueType = "Hash"
)

// String is the type in the words of the TOML specification, with its article.
func (t valueType) String() string {
	switch t {
	case typeString:
		return "a string"
	case typeInteger:
		return "an integer"
	case typeBool:
		return "true or false"
	case typeArray:
		return "a list of strings"
	case typeTable:
		return "a table"
	case "ArrayHash":
		return "a list of tables"
	}
	return "a " + strings.ToLower(string(t))
}

// schema lists every key of struct type t and the type its value must have.
func schema(t reflect.Type, above toml.Key) map[string]valueType {
	keys := map[string]valueType{}
	for f := range t.Fields() {
		key := append(above[:len(above):len(above)], f.Tag.Get("toml"))
		switch {
		case reflect.PointerTo(f.Type).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
			keys[key.String()] = typeString
		case f.Type.Kind() == reflect.Struct:
			keys[key.String()] = typeTable
			for k, v := range schema(f.Type, key) {
				keys[k] = v
			}
		case f.Type.Kind() == reflect.Int:
			keys[key.String()] = typeInteger
		case f.Type.Kind() == reflect.Bool:
			keys[key.String()] = typeBool
		case f.Type.Kind() == reflect.Slice:
			keys[key.String()] = typeArray
		default:
			keys[key.String()] = typeString
		}
	}
	return keys
}

// unknownKey names the keys that the user may have meant.
func unknownKey(key toml.Key) string {
	table := reflect.TypeFor[Config]()
	where := "the top level"
	if len(key) > 1 {
		f, ok := fieldOf(table, key[0])
		if !ok || f.Type.Kind() != reflect.Struct {
			return "unknown key"
		}
		table, where = f.Type, "["+key[0]+"]"
	}
	var names []string
	for f := range table.Fields() {
		names = append(names, f.Tag.Get("toml"))
	}
	return fmt.Sprintf("unknown key (%s has %s)", where, strings.Join(names, ", "))
}

func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if f.Tag.Get("toml") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}
