package utf8name

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEncode(t *testing.T) {
	for _, c := range []struct{ name, raw, enc string }{
		{"empty", "", ""},
		{"ascii", "main.c", "main.c"},
		{"newline and quotes", "a\n\"'b", "a\n\"'b"},
		{"utf-8", "é漢😀", "é漢😀"},
		{"replacement character", "\uFFFD", "\uFFFD"},
		{"latin-1", "caf\xe9", "caf\uEFE9"},
		{"first and last byte", "\x80\xff", "\uEF80\uEFFF"},
		{"cut sequence", "a\xe6\xbc", "a\uEFE6\uEFBC"},
		{"surrogate half", "\xed\xa0\x80", "\uEFED\uEFA0\uEF80"},
		{"below the escapes", "\uEF7F", "\uEF7F"},
		{"genuine escape rune", "x\uEF80", "x\uEFEE\uEFBE\uEF80"},
		{"last escape rune", "\uEFFF", "\uEFEE\uEFBF\uEFBF"},
		{"above the escapes", "\uF000", "\uF000"},
		{"255 bad bytes", strings.Repeat("\xff", 255), strings.Repeat("\uEFFF", 255)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Encode(c.raw); got != c.enc {
				t.Errorf("Encode(%q) = %q, want %q", c.raw, got, c.enc)
			}
			if got, err := Decode(c.enc); err != nil || got != c.raw {
				t.Errorf("Decode(%q) = %q, %v; want %q", c.enc, got, err, c.raw)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, enc string }{
		{"not UTF-8", "a\xff"},
		{"escaped bytes that are UTF-8", "\uEFC3\uEFA9"},
		{"escaped and not", "\uEFFF\uEFE2\uEF82\uEFAC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Decode(c.enc); err == nil {
				t.Errorf("Decode(%q) = %q, want an error", c.enc, got)
			}
		})
	}
}

func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "a", "é", "\xff", "\uEF80", "\xee\xbe", "\xee\xbe\x80\x80", "\uEFC3\uEFA9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		enc := Encode(s)
		if !utf8.ValidString(enc) {
			t.Fatalf("Encode(%q) = %q is not UTF-8", s, enc)
		}
		if raw, err := Decode(enc); err != nil || raw != s {
			t.Fatalf("Decode(Encode(%q)) = %q, %v", s, raw, err)
		}
		// The other direction: what Decode takes is the only encoding.
		if raw, err := Decode(s); err == nil && Encode(raw) != s {
			t.Fatalf("Encode(Decode(%q)) = %q", s, Encode(raw))
		}
	})
}
