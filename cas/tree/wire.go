package tree

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/casview/casview/cas/utf8name"
)

// value is the value of one field: bytes for length-delimited fields, number
// for varints, neither for the types that no known field has.
type value struct {
	wire   protowire.Type
	bytes  []byte
	number uint64
}

// message returns the content of a length-delimited field.
func (v value) message() ([]byte, error) {
	if v.wire != protowire.BytesType {
		return nil, errNotMessage
	}
	return v.bytes, nil
}

// nextField reads the field at the start of b, n bytes long.
func nextField(b []byte) (field protowire.Number, v value, n int, err error) {
	field, v.wire, n = protowire.ConsumeTag(b)
	if n < 0 {
		return 0, value{}, 0, fmt.Errorf("field tag: %w", protowire.ParseError(n))
	}
	var m int
	switch v.wire {
	case protowire.BytesType:
		v.bytes, m = protowire.ConsumeBytes(b[n:])
	case protowire.VarintType:
		v.number, m = protowire.ConsumeVarint(b[n:])
	default:
		m = protowire.ConsumeFieldValue(field, v.wire, b[n:])
	}
	if m < 0 {
		return 0, value{}, 0, fmt.Errorf("field %d: %w", field, protowire.ParseError(m))
	}
	return field, v, n + m, nil
}

// eachField calls fn for every field of the message b, in their order.
func eachField(b []byte, fn func(protowire.Number, value) error) error {
	for len(b) > 0 {
		field, v, n, err := nextField(b)
		if err != nil {
			return err
		}
		if err := fn(field, v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

var errNotMessage = errors.New("wrong wire type: not length-delimited")

// sizeField is the length of a length-delimited field with n bytes of content.
func sizeField(n int) int { return sizeTag + protowire.SizeBytes(n) }

// sizeVarint is the length of a varint field; proto3 leaves zeroes out.
func sizeVarint(v uint64) int {
	if v == 0 {
		return 0
	}
	return sizeTag + protowire.SizeVarint(v)
}

func sizeEncoded(name string) int {
	if utf8name.IsPlain(name) {
		return len(name)
	}
	return len(utf8name.Encode(name))
}

func appendHead(b []byte, field protowire.Number, size int) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendVarint(b, uint64(size))
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}
