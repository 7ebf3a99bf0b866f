package cdi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
)

// Whatever the engine may take for a device counts, not only what casview would replace.
func TestInputs(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "cdi"))
	if got, err := dir.Inputs(); len(got) > 0 || err != nil {
		t.Errorf("no folder: %v, %v", got, err)
	}
	must(t, dir.Write(device("own")))
	own, err := os.ReadFile(dir.Path("own"))
	must(t, err)
	sum := func(s string) string { return cas.Sum(cas.BLAKE3, []byte(s)).String() }
	texts := map[string]string{
		"added.json":   strings.Replace(string(own), device("own").Request.Inputs.String(), sum("added"), 1) + "\n ",
		"yaml.yaml":    "devices:\n- name: a\n  containerEdits:\n    hooks:\n    - args:\n      - casview-hook\n      - --inputs\n      - " + sum("yaml") + "\n      - createRuntime\n",
		"flow.yaml":    "args: [casview-hook, '--inputs', '" + sum("flow") + "', createRuntime]\n",
		"equals.json":  `{"args": ["casview-hook", "--inputs=` + sum("equals") + `", "createRuntime"]}`,
		"other.json":   `{"args": ["another", "` + sum("other") + `"]}`,
		"backup.json~": `{"args": ["casview-hook", "--inputs", "` + sum("backup") + `"]}`,
	}
	want := map[string]string{dir.Path("own"): device("own").Request.Inputs.String()}
	for name, text := range texts {
		path := filepath.Join(string(dir), name)
		must(t, os.WriteFile(path, []byte(text), 0o644))
		if base := strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".yaml"); base != "other" && base != "backup.json~" {
			want[path] = sum(base)
		}
	}
	got, err := dir.Inputs()
	must(t, err)
	for _, g := range got {
		if want[g.File] != g.Inputs.String() {
			t.Errorf("%s gives %s, want %s", g.File, g.Inputs, want[g.File])
		}
		delete(want, g.File)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	torn := dir.Path("torn")
	must(t, os.WriteFile(torn, own[:len(own)/4], 0o644))
	if _, err := dir.Inputs(); err == nil || !strings.HasPrefix(err.Error(), torn+": does not say which inputs it gives") {
		t.Error(err)
	}
	must(t, os.Remove(torn))
	path := filepath.Join(string(dir), "z.json")
	for _, make := range []func() error{
		func() error { return os.Mkdir(path, 0o755) }, func() error { return unix.Mkfifo(path, 0o600) }, func() error { return os.Symlink("/dev/zero", path) },
	} {
		must(t, make())
		if _, err := dir.Inputs(); err == nil || err.Error() != path+": is not a regular file" {
			t.Error(err)
		}
		must(t, os.Remove(path))
	}
}
