package tree

import (
	"fmt"
	"strings"

	"github.com/casview/casview/cas/utf8name"
)

// arenaChunk is how many bytes an arena without a given size allocates at once.
const arenaChunk = 64 << 10

// arena copies many short strings into few allocations: a million names cost
// their bytes, not a million objects or the message they were cut from.
type arena struct{ chunk strings.Builder }

func newArena(size int) *arena {
	a := new(arena)
	a.chunk.Grow(size)
	return a
}

// put returns a copy of s.
func (a *arena) put(s string) string {
	a.reserve(len(s))
	start := a.chunk.Len()
	a.chunk.WriteString(s)
	return a.chunk.String()[start:]
}

// reserve makes room for n bytes. A chunk never grows, so that strings cut from
// it stay where they are.
func (a *arena) reserve(n int) {
	if a.chunk.Cap()-a.chunk.Len() < n {
		a.chunk = strings.Builder{}
		a.chunk.Grow(max(arenaChunk, n))
	}
}

// decode returns a copy of the encoded name v in its raw form.
func (a *arena) decode(v value) (string, error) {
	b, err := v.message()
	if err != nil {
		return "", err
	}
	a.reserve(len(b))
	start := a.chunk.Len()
	a.chunk.Write(b)
	name, err := utf8name.Decode(a.chunk.String()[start:])
	if err != nil {
		return "", fmt.Errorf("%q: %w", clip(b), err)
	}
	return name, nil
}
