package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// operation is a row of the table.
type operation struct {
	name string
	// ops is how often it is done in a round, few how often, and twice as often, where requests are counted. Both are
	// multiples of step.
	ops, few, step int
	prepare        prepare
}

// prepare does what comes before up to most operations, and is neither timed nor counted. Run does n of them, no more
// than most.
type prepare func(w *workspace, most int) (run func(n int) error, err error)

func operations() []operation { return slices.Concat(reading(), naming(), writing(), trees()) }

// again makes an operation's first time a part of its preparation.
func again(p prepare) prepare {
	return func(w *workspace, most int) (func(int) error, error) {
		run, err := p(w, most)
		if err != nil {
			return nil, err
		}
		return run, run(most)
	}
}

// each makes n operations of one.
func each(do func(i int) error) func(n int) error {
	return func(n int) error {
		for i := range n {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	}
}

// time returns how long one operation takes in a place. What the operations made is removed.
func (op *operation) time(p *place) (took time.Duration, err error) {
	w := &workspace{dir: p.dir}
	defer func() { err = errors.Join(err, w.close(), w.remove()) }()
	run, err := op.prepare(w, op.ops)
	if err != nil {
		return 0, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	start := time.Now()
	err = run(op.ops)
	return time.Since(start) / time.Duration(op.ops), err
}

// repeat does the operation n times, prepared for more.
func (op *operation) repeat(p *place, n, most int) (err error) {
	w := &workspace{dir: p.dir}
	defer func() { err = errors.Join(err, w.close()) }()
	run, err := op.prepare(w, most)
	if err != nil {
		return err
	}
	return run(n)
}

// workspace is what one operation uses of a place.
type workspace struct {
	dir  string
	open []int
	made []string
}

// input opens a directory of inputs, or one that is there already.
func (w *workspace) input(name string) (int, error) {
	fd, err := unix.Open(filepath.Join(w.dir, name), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: name, Err: err}
	}
	w.open = append(w.open, fd)
	return fd, nil
}

// output makes a directory and opens it. It is removed after the operation.
func (w *workspace) output(name string) (int, error) {
	if err := os.Mkdir(filepath.Join(w.dir, name), 0o755); err != nil {
		return -1, err
	}
	w.made = append(w.made, name)
	return w.input(name)
}

func (w *workspace) close() error {
	var errs []error
	for _, fd := range w.open {
		errs = append(errs, unix.Close(fd))
	}
	return errors.Join(errs...)
}

func (w *workspace) remove() error {
	var errs []error
	for _, name := range w.made {
		errs = append(errs, os.RemoveAll(filepath.Join(w.dir, name)))
	}
	return errors.Join(errs...)
}
