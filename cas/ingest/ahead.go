package ingest

import (
	"sync"

	"github.com/casview/casview/cas"
)

// ahead lets the disk write what is stored while more is read: all of it has to be on disk before there is a root, and the
// processors would wait for the disk in the sync at the end.
type ahead struct {
	mu    sync.Mutex
	bytes int64 // stored since the last sync began
	done  <-chan struct{}
}

// aheadEvery is how much is stored before the disk is set to work on it.
const aheadEvery = 8 << 20

// stored counts a blob.
func (a *ahead) stored(s *cas.Local, size int64) {
	const page = 4096
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bytes += (size + page - 1) &^ (page - 1); a.bytes < aheadEvery {
		return
	}
	select {
	case <-a.done:
	default:
		if a.done != nil {
			return
		}
	}
	a.bytes, a.done = 0, s.SyncAhead()
}

func (a *ahead) wait() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done != nil {
		<-a.done
	}
}
