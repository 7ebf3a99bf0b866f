package trace

import (
	"fmt"
	"os"
	"sync"

	"github.com/casview/casview/cas"
)

// Recorder appends events to a trace. Its methods may be called concurrently; each returns after its write(2), so an
// event is in the file before the job gets the answer that the event is about. A nil Recorder records nothing.
type Recorder struct {
	mu  sync.Mutex // orders writes, so that nothing follows a record that was cut short
	f   *os.File
	buf []byte
	err error
}

// NewRecorder returns a Recorder that appends to f, which the caller opened for appending and closes afterwards.
func NewRecorder(f *os.File) *Recorder { return &Recorder{f: f} }

// Read records that the content of the file or symlink at path was read.
func (r *Recorder) Read(path string) { r.write(kindRead, path) }

// Listed records that the names in the directory at path were read.
func (r *Recorder) Listed(path string) { r.write(kindListed, path) }

// Absent records that path was asked for and does not exist.
func (r *Recorder) Absent(path string) { r.write(kindAbsent, path) }

// Fault records that the blob d, which path needs, could not be delivered.
func (r *Recorder) Fault(path string, d cas.Digest, err error) {
	cause := "unknown cause"
	if err != nil {
		cause = err.Error()
	}
	r.write(kindFault, string(appendFault(nil, path, d, cause)))
}

// Err returns the first error of a write. After it nothing more is recorded, and the trace can't be relied on to be
// complete: a file that was read may be missing from it.
func (r *Recorder) Err() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *Recorder) write(k kind, body string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.buf = append(appendHeader(r.buf[:0], k, len(body)), body...)
	if _, err := r.f.Write(r.buf); err != nil {
		r.err = fmt.Errorf("write trace: %w", err)
	}
}
