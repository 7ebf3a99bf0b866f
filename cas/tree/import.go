package tree

import (
	"fmt"
	"io"

	"github.com/casview/casview/cas"
)

// ImportManifest makes the tree that an input manifest describes and returns its
// root. Every file's blob must be in s, with the size that the hash may carry, and is kept there.
// maxInputs bounds the number of entries; 0 is no limit. Nothing is stored unless
// the whole manifest is good. The caller makes it durable (the store's Sync).
func ImportManifest(r io.Reader, s cas.Store, maxInputs int) (cas.Digest, Stats, error) {
	b := NewBuilder(s)
	err := ReadManifest(r, ManifestOptions{MaxEntries: maxInputs}, func(_ int, e ManifestEntry) error {
		if e.Kind == File {
			size, err := keepBlob(s, e)
			if err != nil {
				return err
			}
			e.Size = size
		}
		return b.add(e.Path, e.Entry)
	})
	if err != nil {
		return cas.Digest{}, Stats{}, err
	}
	return b.Finish()
}

// keepBlob looks e's content up, compares it with the size declared, if any, and keeps it until the tree names it.
func keepBlob(s cas.Store, e ManifestEntry) (int64, error) {
	size, err := s.Size(e.Digest)
	if err != nil {
		return 0, err
	}
	if e.Size >= 0 && e.Size != size {
		return 0, fmt.Errorf("size is %d in the manifest and %d in the store for %s", e.Size, size, e.Digest)
	}
	kept, err := s.Keep(e.Digest, size)
	if err == nil && !kept { // a collector has just taken it
		err = fmt.Errorf("blob %s: %w", e.Digest, cas.ErrNotFound)
	}
	return size, err
}
