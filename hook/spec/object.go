package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// object is a JSON object whose members keep their order, and the text of their values: numbers too big for a float64 and
// keys that this version does not know come out as they went in.
type object []member

type member struct {
	key   string
	value json.RawMessage
}

var (
	_ json.Marshaler   = object{}
	_ json.Unmarshaler = (*object)(nil)
)

// UnmarshalJSON implements json.Unmarshaler. null is an empty object.
func (o *object) UnmarshalJSON(b []byte) error {
	*o = nil
	dec := json.NewDecoder(bytes.NewReader(b))
	open, err := dec.Token()
	if err != nil || open == nil {
		return err
	}
	if open != json.Delim('{') {
		return errors.New("is not a JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		o.set(key.(string), value) // a key is always a string
	}
	if _, err := dec.Token(); err != nil { // a text may end too early
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something stands after the JSON object")
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := encode(m.key)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (o object) index(key string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.key == key })
}

// get decodes a member; one that is missing leaves v as it is.
func (o object) get(key string, v any) error {
	i := o.index(key)
	if i < 0 {
		return nil
	}
	return json.Unmarshal(o[i].value, v)
}

// set replaces a member in its place, or adds it at the end.
func (o *object) set(key string, value json.RawMessage) {
	if i := o.index(key); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{key, value})
}

// put is set with a value still to be encoded.
func (o *object) put(key string, v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	o.set(key, b)
	return nil
}

// encode is json.Marshal without HTML escapes, which would change '&' in other people's values.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
