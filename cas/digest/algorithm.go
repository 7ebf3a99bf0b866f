package digest

import "fmt"

// Algorithm is a hash function that names blobs. The zero value is no algorithm: it has no name and no digests.
type Algorithm uint8

// The algorithms a store can use. Both give 32 bytes.
const (
	SHA256 Algorithm = iota + 1
	BLAKE3
)

// ParseAlgorithm returns the algorithm called name: "sha256" or "blake3".
func ParseAlgorithm(name string) (Algorithm, error) {
	switch name {
	case "sha256":
		return SHA256, nil
	case "blake3":
		return BLAKE3, nil
	}
	return 0, fmt.Errorf("digest algorithm %q: want sha256 or blake3", name)
}

// String returns the name that ParseAlgorithm takes.
func (a Algorithm) String() string {
	switch a {
	case SHA256:
		return "sha256"
	case BLAKE3:
		return "blake3"
	}
	return "none"
}

// Valid reports whether a is one of the algorithms.
func (a Algorithm) Valid() bool { return a == SHA256 || a == BLAKE3 }
