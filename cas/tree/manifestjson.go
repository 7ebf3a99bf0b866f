package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding/json alone is too forgiving for names: a struct takes keys in any
// case and twice, and what is not UTF-8 silently becomes U+FFFD, another name. So
// an entry, once the decoder has found it to be valid JSON, is taken apart here.

var (
	errNotObject = errors.New("not a JSON object")
	errNotString = errors.New("not a string")
	errNotText   = errors.New("not UTF-8")
)

// eachMember calls fn with each key, unquoted, and value, as written, of the
// object raw, which must be valid JSON.
func eachMember(raw []byte, fn func(key, val []byte)) error {
	rest := bytes.TrimLeft(raw, jsonSpace)
	if len(rest) == 0 || rest[0] != '{' {
		return errNotObject
	}
	for {
		rest = bytes.TrimLeft(rest[1:], jsonSpace) // past '{' or ','
		if len(rest) == 0 || rest[0] != '"' {
			return nil
		}
		n := valueLen(rest)
		key, err := unquote(rest[:n])
		if err != nil {
			return err
		}
		rest = bytes.TrimLeft(rest[n:], jsonSpace)
		rest = bytes.TrimLeft(rest[1:], jsonSpace) // past ':'
		n = valueLen(rest)
		fn(key, rest[:n])
		rest = bytes.TrimLeft(rest[n:], jsonSpace)
		if len(rest) == 0 || rest[0] != ',' {
			return nil
		}
	}
}

const jsonSpace = " \t\r\n"

// valueLen is the length of the JSON value at the start of b.
func valueLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '"':
			i += stringLen(b[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// stringLen is the length, with quotes, of the JSON string at the start of b.
func stringLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func jsonString(val []byte) (string, error) {
	if val[0] != '"' {
		return "", errNotString
	}
	b, err := unquote(val)
	return string(b), err
}

// unquote returns what the JSON string quoted says. Bytes that are not UTF-8 and
// halves of surrogate pairs are errNotText.
func unquote(quoted []byte) ([]byte, error) {
	if !utf8.Valid(quoted) || hasLoneSurrogate(quoted) {
		return nil, errNotText
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil, err
	}
	return []byte(s), nil
}

// hasLoneSurrogate looks at the \u escapes of the JSON string b.
func hasLoneSurrogate(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return false
		}
		b = b[i:]
		switch first := escapedRune(b); {
		case !utf16.IsSurrogate(first):
			b = b[2:]
		case utf16.DecodeRune(first, escapedRune(b[6:])) == utf8.RuneError:
			return true
		default:
			b = b[12:]
		}
	}
}

// escapedRune returns the rune of the \uXXXX escape at the start of b, or 0.
func escapedRune(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}
