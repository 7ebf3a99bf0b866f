package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Member is the value of a member of a JSON text, at the end of a path of member names; nil when there is none.
func Member(text []byte, path ...string) (json.RawMessage, error) {
	value := json.RawMessage(text)
	for i, key := range path {
		var o object
		if err := json.Unmarshal(value, &o); err != nil {
			return nil, notObject(path[:i], err)
		}
		at := o.index(key)
		if at < 0 {
			return nil, nil
		}
		value = o[at].value
	}
	return value, nil
}

// PutMember sets a member of a JSON text, and makes the objects on its way. Everything else stays as it is, in its order and
// indentation.
func PutMember(text []byte, value any, path ...string) ([]byte, error) {
	raw, err := encode(value)
	if err != nil {
		return nil, err
	}
	return changed(text, path, func(o *object, key string) { o.set(key, raw) })
}

// DropMember takes a member out of a JSON text, and the object that it stood in if nothing else does.
func DropMember(text []byte, path ...string) ([]byte, error) {
	return changed(text, path, func(o *object, key string) {
		if i := o.index(key); i >= 0 {
			*o = append((*o)[:i:i], (*o)[i+1:]...)
		}
	})
}

func changed(text []byte, path []string, change func(o *object, key string)) ([]byte, error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	if err := o.change(path, 0, change); err != nil {
		return nil, err
	}
	return layOut(o, text)
}

func (o *object) change(path []string, depth int, change func(o *object, key string)) error {
	key := path[depth]
	if depth == len(path)-1 {
		change(o, key)
		return nil
	}
	var inner object
	if err := o.get(key, &inner); err != nil {
		return notObject(path[:depth+1], err)
	}
	if err := inner.change(path, depth+1, change); err != nil {
		return err
	}
	if i := o.index(key); len(inner) == 0 && i >= 0 {
		*o = append((*o)[:i:i], (*o)[i+1:]...)
		return nil
	}
	return o.put(key, inner)
}

func notObject(path []string, err error) error {
	if len(path) == 0 {
		return err
	}
	return fmt.Errorf("%s: %w", strings.Join(path, "."), err)
}

// SameJSON tells whether two texts hold one value, however they are laid out.
func SameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
