package collect

import "github.com/casview/casview/cas"

// ahead lets the disk write what the job left unwritten while the processors list and hash it. All of it has to be on disk
// before there is a result, and the sync at the end, which decides, then has little to do.
type ahead struct {
	store *cas.Local
	bytes int64
	done  <-chan struct{} // nil until it has begun
}

// worthWriting is how much data has to be staged: two syncs of little take longer than one.
const worthWriting = 4 << 20

// staged counts a file.
func (a *ahead) staged(size int64) {
	const page = 4096
	a.bytes += (size + page - 1) &^ (page - 1)
	if a.bytes >= worthWriting && a.done == nil {
		a.done = a.store.SyncAhead()
	}
}

func (a *ahead) wait() {
	if a.done != nil {
		<-a.done
	}
}
