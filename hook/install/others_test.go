package install

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A package's programs and a tarball's have one record on a host. Each takes out what calls its own programs, and leaves it to
// the other one to do the same.
func TestTwoInstallationsOnOneHost(t *testing.T) {
	dir := t.TempDir()
	packaged, tarball := programs(t), programs(t)
	with := func(programs string, e Engine) Options {
		return Options{Engine: e, Programs: programs, Config: filepath.Join(dir, "config.toml"), HooksDir: filepath.Join(dir, "hooks.d")}
	}
	hook := filepath.Join(dir, "hooks.d/casview-createRuntime.json")
	apply(t, with(packaged, Podman))
	apply(t, with(tarball, Podman))
	if text := read(t, hook); !strings.Contains(text, `"`+tarball+`/casview-hook"`) {
		t.Fatalf("the later one does not have podman: %s", text)
	}

	before := tree(t, dir)
	p, err := NewRemoval(with(packaged, All)) // as before the package goes
	if err != nil {
		t.Fatal(err)
	}
	if want := []Skipped{{Podman, "it calls the programs in " + tarball + ": " + tarball + "/casview uninstall --engine podman takes it out"}}; !slices.Equal(p.Skipped, want) {
		t.Errorf("skipped %q, want %q", p.Skipped, want)
	}
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	if after := tree(t, dir); !slices.Equal(before, after) {
		t.Errorf("it left %q of %q", after, before)
	}
	if _, err := NewRemoval(with(packaged, Podman)); err == nil || !strings.Contains(err.Error(), "podman: it calls the programs in "+tarball) {
		t.Errorf("podman alone: %v", err)
	}

	removeAll(t, with(tarball, All))
	if left := tree(t, dir); len(left) != 1 {
		t.Errorf("left %q", left)
	}

	// Whose programs are gone can't do it any more.
	apply(t, with(tarball, Podman))
	if err := os.RemoveAll(tarball); err != nil {
		t.Fatal(err)
	}
	removeAll(t, with(packaged, Podman))
	if left := tree(t, dir); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

// Every way into an engine tells whose programs it calls.
func TestEnginesTellWhosePrograms(t *testing.T) {
	for _, h := range testHosts() {
		o := h.start(t)
		files := apply(t, o)
		r, err := o.readRecord()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range methods() {
			needs := func(f File) bool {
				return slices.Contains(f.owners, string(m.engine)) && filepath.Dir(f.Path) != filepath.Join(o.Root, "usr/local/bin") && !f.once
			}
			if !slices.ContainsFunc(files, needs) {
				continue
			}
			tells := func(e entry) bool {
				e.Path = filepath.Join(o.Root, e.Path)
				found := called.FindSubmatch(e.written())
				return slices.Contains(e.Engines, string(m.engine)) && found != nil && string(found[1]) == "/usr/local/bin"
			}
			if !slices.ContainsFunc(r.Files, tells) {
				t.Errorf("%s: nothing of %s names the programs", h.name, m.engine)
			}
		}
	}
}
