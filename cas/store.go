package cas

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

var (
	// ErrNotFound says that a store does not have a blob. errors.Is(err, fs.ErrNotExist) holds too.
	ErrNotFound = fmt.Errorf("not in the store: %w", fs.ErrNotExist)
	// ErrCorrupt says that bytes do not have the digest they go by.
	ErrCorrupt = errors.New("content does not match its digest")
)

// Reader reads blobs. Methods may be called concurrently. A missing blob is ErrNotFound.
type Reader interface {
	// Open returns the blob opened for reading. Its content is not verified.
	Open(d Digest) (*os.File, error)
	// Size returns the blob's length in bytes.
	Size(d Digest) (int64, error)
	// ReadBlob returns the whole blob after checking that it has its digest (ErrCorrupt if not). A blob of more than
	// limit bytes is an error.
	ReadBlob(d Digest, limit int64) ([]byte, error)
}

// Writer inserts blobs. Methods may be called concurrently. A blob is visible to readers when the call returns and never
// before it is complete; it is durable after the store's Sync. Storing content twice is no error and costs no space.
type Writer interface {
	// Put stores everything r gives and returns its digest and length.
	Put(r io.Reader) (Digest, int64, error)
	// PutExpected stores everything r gives if it has the digest want, and is ErrCorrupt otherwise.
	PutExpected(r io.Reader, want Digest) (int64, error)
	// PutBytes stores b.
	PutBytes(b []byte) (Digest, error)
	// Keep reports whether the store has the blob with this size and, if so, sees to it that it stays for some hours, as if it
	// had been stored now. Whoever is about to name a blob that is there already keeps it before.
	Keep(d Digest, size int64) (bool, error)
}

// Store reads and inserts blobs.
type Store interface {
	Reader
	Writer
	// Algorithm returns what new blobs are named with. Blobs of other algorithms can still be read.
	Algorithm() Algorithm
}
