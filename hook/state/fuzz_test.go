package state

import (
	"path/filepath"
	"strings"
	"testing"
)

func addGolden(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob("testdata/" + pattern)
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		f.Add(golden(f, filepath.Base(name)))
	}
}

func oneLine(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("more than one line: %q", err)
	}
}

func FuzzParseState(f *testing.F) {
	addGolden(f, "*.createRuntime.json")
	addGolden(f, "*.poststop.json")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read(strings.NewReader(text))
		oneLine(t, err)
		if err == nil && (s.ID == "" || s.Pid < 0) {
			t.Errorf("accepted %+v", s)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	addGolden(f, "*.config.json")
	f.Add(`{"annotations":{"io.casview.inputs":"x","io.casview.outputs":"[\"**\"]"},"process":{"env":["CASVIEW_RUN=x"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeConfig(strings.NewReader(text))
		oneLine(t, err)
		if err != nil {
			return
		}
		for _, annotations := range []map[string]string{c.Annotations, FromEnvironment(c)} {
			r, asked, err := ParseRequest(annotations)
			oneLine(t, err)
			if err != nil || !asked {
				continue
			}
			// What was accepted survives being written as annotations again.
			m, err := r.Annotations()
			if err != nil {
				t.Fatal(err)
			}
			if again, _, err := ParseRequest(m); err != nil || again.Inputs != r.Inputs || again.Target != r.Target {
				t.Errorf("%+v, %v", again, err)
			}
		}
		if path, err := Rootfs(State{}, c); err == nil && c.Root.Path[0] == '/' && path != filepath.Clean(path) {
			t.Errorf("rootfs %q", path)
		}
	})
}
