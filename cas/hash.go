package cas

import (
	"crypto/sha256"
	"hash"

	"github.com/zeebo/blake3"

	"github.com/casview/casview/cas/digest"
)

// Digest names a blob.
type Digest = digest.Digest

// Algorithm is a hash function that names blobs.
type Algorithm = digest.Algorithm

// The algorithms a store can use.
const (
	SHA256 = digest.SHA256
	BLAKE3 = digest.BLAKE3
)

// NewHash returns an empty hash of algorithm a. Only SHA256 and BLAKE3 have one; the zero value gives nil.
func NewHash(a Algorithm) hash.Hash {
	switch a {
	case SHA256:
		return sha256.New()
	case BLAKE3:
		return blake3.New()
	}
	return nil
}

// Sum returns the digest of b, the zero Digest if a is not a valid algorithm.
func Sum(a Algorithm, b []byte) Digest {
	var sum [sha256.Size]byte
	switch a {
	case SHA256:
		sum = sha256.Sum256(b)
	case BLAKE3:
		sum = blake3.Sum256(b)
	}
	d, _ := digest.New(a, sum[:]) // the length is right, and without an algorithm there is no digest
	return d
}

// finish returns the digest of what was written to h, a hash of algorithm a.
func finish(a Algorithm, h hash.Hash) Digest {
	var room [sha256.Size]byte
	d, _ := digest.New(a, h.Sum(room[:0]))
	return d
}
