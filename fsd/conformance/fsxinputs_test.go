package conformance

import (
	"fmt"
	"math/rand/v2"

	"golang.org/x/sys/unix"
)

// fsxNewFiles is how many files a process makes beside its inputs.
const fsxNewFiles = 2

type fsxInput struct {
	name    string
	content []byte
}

// fsxInputs are the inputs of one process: sizes around the borders of pages, requests and readahead.
func fsxInputs(seed uint64) []fsxInput {
	sizes := []int{0, 1, 2<<20 + 4097}
	for _, border := range []int{fsxPage, 128 << 10, 1 << 20} {
		sizes = append(sizes, border-1, border, border+1)
	}
	r := rand.New(rand.NewPCG(seed, 2))
	r.Shuffle(len(sizes), func(i, j int) { sizes[i], sizes[j] = sizes[j], sizes[i] })
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	noise := rand.NewChaCha8(key)
	inputs := make([]fsxInput, 4)
	for i := range inputs {
		content := make([]byte, sizes[i], fsxMaxSize)
		_, _ = noise.Read(content) // never fails
		inputs[i] = fsxInput{fmt.Sprintf("in%d-%d", i, sizes[i]), content}
	}
	return inputs
}

// fsxSabotages damage a file in ways that a broken filesystem could. Each must be found.
var fsxSabotages = map[string]func(*fsxRun, *fsxFile, *fsxOpen) error{
	"byte": func(_ *fsxRun, f *fsxFile, o *fsxOpen) error {
		at := len(f.data) / 2
		_, err := unix.Pwrite(o.fd, []byte{^f.data[at]}, int64(at))
		return err
	},
	"shorter": func(_ *fsxRun, f *fsxFile, o *fsxOpen) error { return unix.Ftruncate(o.fd, int64(len(f.data)-1)) },
	"longer":  func(_ *fsxRun, f *fsxFile, o *fsxOpen) error { return unix.Ftruncate(o.fd, int64(len(f.data)+1)) },
	"lost write": func(r *fsxRun, f *fsxFile, _ *fsxOpen) error {
		f.put(len(f.data)/2, r.random(make([]byte, 100)))
		return nil
	},
	"zeros": func(_ *fsxRun, _ *fsxFile, o *fsxOpen) error {
		_, err := unix.Pwrite(o.fd, make([]byte, 8), 1000)
		return err
	},
	"swapped": func(r *fsxRun, f *fsxFile, _ *fsxOpen) error {
		return unix.Renameat2(unix.AT_FDCWD, f.names[0], unix.AT_FDCWD, r.files[0].names[0], unix.RENAME_EXCHANGE)
	},
	"other link": func(r *fsxRun, f *fsxFile, _ *fsxOpen) error { return unix.Link(f.names[0], r.newName("secret")) },
}

// sabotage damages the last file, which gets some content for it.
func (r *fsxRun) sabotage() error {
	if r.Sabotage == "" {
		return nil
	}
	f := r.files[len(r.files)-1]
	o, err := r.writable(f, notAppending)
	if err != nil {
		return err
	}
	b := r.random(r.aligned[:fsxPage])
	if _, err := unix.Pwrite(o.fd, b, 0); err != nil {
		return err
	}
	f.put(0, b)
	f.note("sabotage")
	return fsxSabotages[r.Sabotage](r, f, o)
}
