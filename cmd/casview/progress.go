package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is a bar on the terminal: bytes, rate and time left. It is silent where stderr is no terminal, and gone from
// the screen when it is closed. Its methods are safe for concurrent use.
type progress struct {
	to    io.Writer // nil: silent
	label string

	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	known bool // the bar knows the total
}

func (a *app) progress(label string) *progress {
	p := &progress{label: label}
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.to = f
	}
	return p
}

func (p *progress) silent() bool { return p.to == nil }

// count shows how many files were found while the total is not known yet.
func (p *progress) count(files int64) {
	p.say("%d files", files)
}

// say shows what is going on while no total is known.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.to == nil || p.known {
		return
	}
	if p.bar == nil {
		p.bar = p.newBar(-1, progressbar.OptionSetDescription(p.label))
	}
	p.bar.Describe(p.label + ": " + fmt.Sprintf(format, args...))
	_ = p.bar.Add(0)
}

// show shows how many of the bytes are done.
func (p *progress) show(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.to == nil || total <= 0 {
		return
	}
	if !p.known {
		p.clear()
		p.bar, p.known = p.newBar(total, progressbar.OptionSetDescription(p.label), progressbar.OptionShowBytes(true),
			progressbar.OptionShowCount(), progressbar.OptionShowTotalBytes(true), progressbar.OptionSetPredictTime(true)), true
	}
	// The library takes a full bar for a finished one, and complains beyond it.
	_ = p.bar.Set64(min(done, total))
}

func (p *progress) newBar(total int64, o ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append(o,
		progressbar.OptionSetWriter(p.to),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(65*time.Millisecond),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionFullWidth(),
		progressbar.OptionClearOnFinish())...)
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// close takes the bar off the screen.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}
