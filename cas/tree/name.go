package tree

import (
	"strings"

	"github.com/casview/casview/cas/utf8name"
)

// compareNames orders raw names by their encoding, as the messages are sorted.
func compareNames(a, b string) int {
	if utf8name.IsPlain(a) && utf8name.IsPlain(b) {
		return strings.Compare(a, b)
	}
	return strings.Compare(utf8name.Encode(a), utf8name.Encode(b))
}
