package main

import (
	"context"
	"errors"
	"time"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

const mib = 1 << 20

// memoryRow is the most memory that the daemon ever has, collection included.
func memoryRow() row {
	const read, list = "read", "list"
	return row{
		number: 14, name: "memory of fsd", columns: []column{overlay, fuse},
		measures: []measure{
			{step: read, what: "fsd's peak memory, 10,000 inputs read", kind: absolute, unit: bytes,
				limit: upTo(40*mib, 40*mib)},
			{step: list, what: "fsd's peak memory, 1,000,000 inputs listed", kind: absolute, unit: bytes,
				limit: upTo(256*mib, 256*mib)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			files := b.sized(10_000, 1000)
			small, err := b.pages(ctx, files)
			if err != nil {
				return nil, err
			}
			million, err := b.million(ctx)
			return func(ctx context.Context, c column, _ int) (values, error) {
				reading, err := b.daemonMemory(ctx, c, small, inside.Task{Read: &inside.Read{Files: files, InEach: inEach}})
				if err != nil {
					return nil, err
				}
				listing, err := b.daemonMemory(ctx, c, million, inside.Task{Walk: &inside.Walk{Files: b.millions()}})
				return values{read: reading, list: listing}, err
			}, err
		},
	}
}

// daemonMemory runs a job and returns the peak of its daemon's resident memory in bytes.
func (b *bench) daemonMemory(ctx context.Context, c column, in *inputs, task inside.Task) (float64, error) {
	var peak int64
	o, err := b.container(ctx, c, job{inputs: in, tasks: []inside.Task{task}, beside: func(done <-chan struct{}, p place) {
		peak = watchDaemon(done, p.(*viewPlace))
	}})
	if err == nil && peak == 0 {
		err = errors.New("the daemon's memory was never seen")
	}
	b.note(c, o)
	return float64(peak), err
}

// watchDaemon looks at a run's daemon from its start to its end.
func watchDaemon(done <-chan struct{}, p *viewPlace) (peak int64) {
	for ended := false; ; time.Sleep(2 * time.Millisecond) {
		pid, err := p.daemon()
		if err == nil && isDaemon(pid) {
			peak = max(peak, peakMemory(pid))
		} else if ended {
			return peak
		}
		select {
		case <-done:
			ended = true
		default:
		}
	}
}
