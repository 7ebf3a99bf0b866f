package view

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

const (
	// smallFile is the size in bytes up to which a blob is opened for each READ: it has only one or two of them.
	smallFile = 128 << 10
	// maxOpen bounds how many larger blobs stay open. More than that being read at the same time costs an open for
	// each READ of up to 1 MiB, not a failure.
	maxOpen = 128
)

// blobs reads pieces of blobs. It keeps those open that come in many pieces, the least recently used closed first.
type blobs struct {
	store cas.Reader

	mu   sync.Mutex
	open map[cas.Digest]*openBlob
	// idle holds the open blobs that nobody is reading, the longest unused first. Those being read are not counted
	// against maxOpen: there are never more of them than requests under way.
	idle list.List
}

type openBlob struct {
	digest cas.Digest
	opened sync.Once
	file   *os.File
	err    error

	// Under blobs.mu:
	readers int
	idle    *list.Element // nil while there are readers
}

func newBlobs(store cas.Reader) *blobs {
	return &blobs{store: store, open: map[cas.Digest]*openBlob{}}
}

// readAt fills p from offset of the blob d, which must be size bytes long. With verify a blob that has to be opened is
// read and hashed whole before; one that is open already was verified when it was opened.
func (b *blobs) readAt(d cas.Digest, size int64, p []byte, offset int64, verify bool) error {
	if size <= smallFile || int64(len(p)) == size {
		f, err := openBlobFile(b.store, d, size, verify)
		if err != nil {
			return err
		}
		defer f.Close()
		return readFull(f, d, p, offset)
	}
	o := b.acquire(d)
	defer b.release(o)
	o.opened.Do(func() { o.file, o.err = openBlobFile(b.store, d, size, verify) })
	if o.err != nil {
		return o.err
	}
	return readFull(o.file, d, p, offset)
}

func (b *blobs) acquire(d cas.Digest) *openBlob {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.open[d]
	if o == nil {
		o = &openBlob{digest: d}
		b.open[d] = o
	}
	o.readers++
	if o.idle != nil {
		b.idle.Remove(o.idle)
		o.idle = nil
	}
	return o
}

func (b *blobs) release(o *openBlob) {
	if evicted := b.retire(o); evicted != nil {
		evicted.file.Close()
	}
}

// retire makes o idle after its last reader and returns the blob that is to be closed for it, if any.
func (b *blobs) retire(o *openBlob) *openBlob {
	b.mu.Lock()
	defer b.mu.Unlock()
	o.readers--
	if o.readers > 0 {
		return nil
	}
	if o.file == nil { // the next reader tries again: the blob may have come back
		delete(b.open, o.digest)
		return nil
	}
	o.idle = b.idle.PushBack(o)
	if b.idle.Len() <= maxOpen {
		return nil
	}
	oldest := b.idle.Remove(b.idle.Front()).(*openBlob)
	delete(b.open, oldest.digest)
	return oldest
}

// close closes all idle blobs. Readers under way are not waited for.
func (b *blobs) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.idle.Len() > 0 {
		o := b.idle.Remove(b.idle.Front()).(*openBlob)
		delete(b.open, o.digest)
		o.file.Close()
	}
}

// openBlobFile opens d and checks its size, and with verify its content.
func openBlobFile(store cas.Reader, d cas.Digest, size int64, verify bool) (*os.File, error) {
	f, err := store.Open(d)
	if err != nil {
		return nil, err
	}
	if err := checkBlob(f, d, size, verify); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkBlob(f *os.File, d cas.Digest, size int64, verify bool) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("blob %s: %w", d, err)
	}
	if info.Size() != size {
		return fmt.Errorf("blob %s is %d bytes long, want %d: %w", d, info.Size(), size, cas.ErrCorrupt)
	}
	if !verify {
		return nil
	}
	h := cas.NewHash(d.Algorithm())
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("verify blob %s: %w", d, err)
	}
	got, err := digest.New(d.Algorithm(), h.Sum(nil))
	if err != nil {
		return fmt.Errorf("verify blob %s: %w", d, err)
	}
	if got != d {
		return fmt.Errorf("blob %s has digest %s: %w", d, got, cas.ErrCorrupt)
	}
	return nil
}

// readFull fills p. The kernel would fill up a short answer with zeros, so a blob that ends early is an error.
func readFull(f *os.File, d cas.Digest, p []byte, offset int64) error {
	n, err := f.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("blob %s ends at byte %d: %w", d, offset+int64(n), cas.ErrCorrupt)
	}
	return fmt.Errorf("read blob %s: %w", d, err)
}
