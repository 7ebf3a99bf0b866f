package install

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// On a full disk nothing is half there: no part of a file, no temporary one. What was made is on record and goes again.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts a tmpfs")
	}
	o := options(t)
	if err := unix.Mount("tmpfs", o.Root, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Unmount(o.Root, 0); err != nil {
			t.Error(err)
		}
	}()
	write(t, filepath.Join(o.Programs, "casview-hook"), strings.Repeat("x", 1<<20))
	before := tree(t, o.Root)
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatal(err)
	}
	for _, line := range tree(t, o.Root) {
		name := strings.Fields(line)[0]
		if strings.HasPrefix(filepath.Base(name), ".") || strings.Contains(name, "casview-hook") {
			t.Errorf("left %s", name)
		}
	}
	removeAll(t, o)
	if end := tree(t, o.Root); !slices.Equal(end, before) {
		t.Errorf("left %q", names(before, end))
	}
}

// An installation that ended anywhere can be finished, and can be taken out.
func TestInterrupted(t *testing.T) {
	for _, h := range testHosts() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			files, err := NewPlan(h.start(t))
			if err != nil {
				t.Fatal(err)
			}
			for stop := range files.Files {
				for _, finish := range []bool{true, false} {
					o := h.start(t)
					before := tree(t, o.Root)
					p, err := NewPlan(o)
					if err != nil {
						t.Fatal(err)
					}
					p.interrupt(t, stop)
					if finish {
						apply(t, o)
					}
					removeAll(t, o)
					if end := tree(t, o.Root); !slices.Equal(end, before) {
						t.Errorf("ended before file %d, finished %v: left %q", stop, finish, names(before, end))
					}
				}
			}
		})
	}
}

// interrupt carries a plan out up to a file.
func (p *Plan) interrupt(t *testing.T, stop int) {
	t.Helper()
	before, after := p.record.clone(), p.record.clone()
	for _, f := range p.Files {
		if err := f.enter(p.options, &before, &after); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.options.writeRecord(p.record, before); err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Files[:stop] {
		if err := f.apply(); err != nil {
			t.Fatal(err)
		}
	}
	// In the middle of an edit there is a backup already.
	if f := p.Files[stop]; f.Action == Edit {
		if err := os.Link(f.Path, f.Path+backupSuffix); err != nil {
			t.Fatal(err)
		}
	}
}
