// Package utf8name writes names of files, which are bytes, as UTF-8 and reads them back. It is apart from cas/tree because
// results need it too, whose readers have no use for trees.
package utf8name

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Names in a Directory message are proto strings and so must be UTF-8, names in
// a filesystem are bytes. Byte b (always 0x80 or more) of an invalid sequence is
// written as the private-use rune escapeBase+b. The bytes of a genuine rune of
// that range are escaped as well, which makes the encoding lossless.
const (
	escapeBase  = 0xEF00
	escapeFirst = escapeBase + 0x80
	escapeLast  = escapeBase + 0xFF
)

// Encode returns raw as UTF-8. Names that are UTF-8 without runes in
// U+EF80..U+EFFF, in practice nearly all, are returned as they are. Different raw
// names have different encodings. Also used for symlink targets, and for whole
// paths: '/' stays '/'.
func Encode(raw string) string {
	if IsPlain(raw) {
		return raw
	}
	var out strings.Builder
	out.Grow(len(raw) + 2*len(raw)/3)
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRuneInString(raw[i:])
		if isEscape(r) || r == utf8.RuneError && n == 1 {
			for _, b := range []byte(raw[i : i+n]) {
				out.WriteRune(escapeBase + rune(b))
			}
		} else {
			out.WriteString(raw[i : i+n])
		}
		i += n
	}
	return out.String()
}

// Decode is the inverse of Encode. It refuses what Encode never
// returns: bytes that are not UTF-8, and escapes that were not needed.
func Decode(enc string) (string, error) {
	if IsPlain(enc) {
		return enc, nil
	}
	if !utf8.ValidString(enc) {
		return "", errors.New("not UTF-8")
	}
	raw := make([]byte, 0, len(enc))
	for _, r := range enc {
		if isEscape(r) {
			raw = append(raw, byte(r-escapeBase))
		} else {
			raw = utf8.AppendRune(raw, r)
		}
	}
	if name := string(raw); Encode(name) == enc {
		return name, nil
	}
	return "", fmt.Errorf("bytes escaped in U+%X..U+%X form UTF-8 that needs no escape", escapeFirst, escapeLast)
}

func isEscape(r rune) bool { return escapeFirst <= r && r <= escapeLast }

// IsPlain reports whether s is its own encoding. In UTF-8 the escape runes are
// EE BE 80 to EE BF BF.
func IsPlain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for {
		i := strings.IndexByte(s, 0xEE)
		if i < 0 {
			return true
		}
		if s[i+1] >= 0xBE {
			return false
		}
		s = s[i+1:]
	}
}
