package ingest

import (
	"sync"
	"time"
)

// Progress is how far a run is. Bytes grow while a file is read, Files when it is done. Totals grow while Scanning and are final afterwards.
type Progress struct {
	Files, Bytes           int64 // done, read or reused
	TotalFiles, TotalBytes int64
	Scanning               bool
}

// reportEvery is often enough for a smooth bar and too seldom to cost anything.
const reportEvery = 50 * time.Millisecond

// reporter counts, and passes on what it counted now and then. Methods may be called concurrently.
type reporter struct {
	mu   sync.Mutex
	to   func(Progress)
	p    Progress
	last time.Time

	every time.Duration
}

func newReporter(to func(Progress)) *reporter {
	return &reporter{to: to, p: Progress{Scanning: true}, every: reportEvery}
}

func (r *reporter) scanned(files, bytes int64) {
	r.update(false, func(p *Progress) { p.TotalFiles += files; p.TotalBytes += bytes })
}

func (r *reporter) scanDone() { r.update(true, func(p *Progress) { p.Scanning = false }) }

// read is for a part of a file.
func (r *reporter) read(bytes int64) { r.update(false, func(p *Progress) { p.Bytes += bytes }) }

// stored is for a file that is done, with those of its bytes that no read counted.
func (r *reporter) stored(bytes int64) {
	r.update(false, func(p *Progress) { p.Files++; p.Bytes += bytes })
}

func (r *reporter) done() { r.update(true, func(*Progress) {}) }

func (r *reporter) update(always bool, change func(*Progress)) {
	if r.to == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.p)
	if now := time.Now(); always || now.Sub(r.last) >= r.every {
		r.last = now
		r.to(r.p)
	}
}
