package cdi

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func listed(t *testing.T, dir Dir) string {
	t.Helper()
	devices, err := dir.List()
	must(t, err)
	var names []string
	for _, d := range devices {
		names = append(names, string(d.Name))
	}
	return strings.Join(names, " ")
}

func TestDir(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "etc/cdi"))
	if got := listed(t, dir); got != "" {
		t.Errorf("no folder: %q", got)
	}
	for _, name := range []Name{"b", "a", "c"} {
		must(t, dir.Write(device(name)))
	}
	if got := listed(t, dir); got != "a b c" {
		t.Errorf("listed %q", got)
	}
	if st, err := os.Stat(dir.Path("a")); err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	changed := device("a")
	changed.Request.Inputs = cas.Sum(digest.SHA256, []byte("other"))
	must(t, dir.Write(changed))
	devices, err := dir.List()
	if err != nil || devices[0].Request.Inputs != changed.Request.Inputs {
		t.Errorf("%+v, %v", devices, err)
	}
	must(t, dir.Remove("b"))
	if err := dir.Remove("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	entries, err := os.ReadDir(string(dir))
	if err != nil || len(entries) != 2 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}

// A spec that is there already is not written again: engines that watch the folder would read it all anew.
func TestWriteTheSame(t *testing.T) {
	dir := Dir(t.TempDir())
	must(t, dir.Write(device("a")))
	before, err := os.Stat(dir.Path("a"))
	must(t, err)
	must(t, dir.Write(device("a")))
	if after, err := os.Stat(dir.Path("a")); err != nil || !os.SameFile(before, after) {
		t.Errorf("written again: %v", err)
	}
}

func TestFilesOfOthersStay(t *testing.T) {
	dir := Dir(t.TempDir())
	text, err := device("theirs").Encode()
	must(t, err)
	files := map[string]string{
		"casview.io-inputs_theirs.json":  strings.Replace(string(text), `"containerEdits": {`, `"containerEdits": {"env": ["A=b"],`, 1),
		"casview.io-inputs_renamed.json": string(text),
		"casview.io-inputs_bad.json":     "not JSON",
		"casview.io-inputs_-.json":       string(text),
		"nvidia.json":                    "{}",
		"casview.io-inputs_theirs.yaml":  "x",
	}
	for name, content := range files {
		must(t, os.WriteFile(filepath.Join(string(dir), name), []byte(content), 0o600))
	}
	if got := listed(t, dir); got != "" {
		t.Errorf("listed %q", got)
	}
	for _, name := range []Name{"theirs", "renamed", "bad"} {
		for what, err := range map[string]error{"write": dir.Write(device(name)), "remove": dir.Remove(name)} {
			if err == nil || !strings.Contains(err.Error(), dir.Path(name)+": is there and is not what casview wrote") {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
	}
	for name, content := range files {
		if b, err := os.ReadFile(filepath.Join(string(dir), name)); err != nil || string(b) != content {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}
