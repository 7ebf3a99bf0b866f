// Package digest owns the names of blobs: an algorithm and the hash of a blob's bytes. It does not hash (package cas does), so
// that the programs on a container's start path, which only hand digests on, don't link BLAKE3: finding out what the
// processor can do for it takes 0.4 to 0.7 ms at the start of a program on a virtual machine, where CPUID traps.
package digest

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

const sumSize = 32

// Digest names a blob: the algorithm and the hash of its bytes. It is comparable and can be a map key; the zero value
// names nothing (IsZero). Any other value came from a hash or passed Parse and is valid.
type Digest struct {
	alg Algorithm
	sum [sumSize]byte
}

// New makes a digest of a finished hash.
func New(a Algorithm, sum []byte) (Digest, error) {
	if !a.Valid() {
		return Digest{}, fmt.Errorf("digest of algorithm %d: no such algorithm", a)
	}
	if len(sum) != sumSize {
		return Digest{}, fmt.Errorf("%s digest of %d bytes: want %d", a, len(sum), sumSize)
	}
	d := Digest{alg: a}
	copy(d.sum[:], sum)
	return d, nil
}

// Parse reads "sha256:<64 lower-case hex>", "blake3:<64 hex>", or 64 hex digits alone, which mean sha256.
func Parse(s string) (Digest, error) {
	name, digits, found := strings.Cut(s, ":")
	if !found {
		name, digits = "sha256", s
	}
	a, err := ParseAlgorithm(name)
	if err != nil {
		return Digest{}, fmt.Errorf("digest %s: %w", clip(s), err)
	}
	if len(digits) != 2*sumSize {
		return Digest{}, fmt.Errorf("digest %s: %d hex digits, want %d", clip(s), len(digits), 2*sumSize)
	}
	if strings.ContainsAny(digits, "ABCDEF") {
		return Digest{}, fmt.Errorf("digest %s: upper-case hex", clip(s))
	}
	d := Digest{alg: a}
	if _, err := hex.Decode(d.sum[:], []byte(digits)); err != nil {
		return Digest{}, fmt.Errorf("digest %s: not hex", clip(s))
	}
	return d, nil
}

// ParseSize is Parse for the form that REAPI uses, where "/<size in bytes>" may follow. Without it size is -1.
func ParseSize(s string) (d Digest, size int64, err error) {
	name, number, found := strings.Cut(s, "/")
	if d, err = Parse(name); err != nil {
		return Digest{}, 0, err
	}
	if !found {
		return d, -1, nil
	}
	size, err = strconv.ParseInt(number, 10, 64)
	// ParseInt takes signs and leading zeros; one digest must not have several spellings.
	if err != nil || number != strconv.FormatInt(size, 10) || size < 0 {
		return Digest{}, 0, fmt.Errorf("digest %s: size %s: want a decimal number of bytes", clip(s), clip(number))
	}
	return d, size, nil
}

// String returns "<algorithm>:<hex>", the form Parse takes, and "" for the zero Digest.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return d.alg.String() + ":" + d.Hex()
}

// Hex returns the 64 hex digits alone.
func (d Digest) Hex() string { return hex.EncodeToString(d.sum[:]) }

// AppendHex appends them to b.
func (d Digest) AppendHex(b []byte) []byte { return hex.AppendEncode(b, d.sum[:]) }

// Algorithm returns the algorithm the digest was made with.
func (d Digest) Algorithm() Algorithm { return d.alg }

// Bytes returns the 32 bytes of the hash.
func (d Digest) Bytes() []byte { return bytes.Clone(d.sum[:]) }

// IsZero reports whether d names nothing.
func (d Digest) IsZero() bool { return d.alg == 0 }

// Compare orders digests by algorithm, then by hash.
func (d Digest) Compare(e Digest) int {
	if c := cmp.Compare(d.alg, e.alg); c != 0 {
		return c
	}
	return bytes.Compare(d.sum[:], e.sum[:])
}

// MarshalText implements encoding.TextMarshaler. The zero Digest becomes the empty text.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. The empty text becomes the zero Digest.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Digest{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// clip quotes s for an error message, shortened: digests arrive in annotations, which may be any length.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
