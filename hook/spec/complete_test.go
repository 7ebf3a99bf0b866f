package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func completeText(path, text string, annotations map[string]string) (bool, error) {
	c, err := ParseConfig([]byte(text))
	if err != nil {
		return false, err
	}
	return c.Complete(path, annotations, program())
}

func TestComplete(t *testing.T) {
	const hooks = `"hooks": {"prestart": [{"path": "/opt/casview-hook"}], "poststop": [{"path": "/opt/casview-hook"}]}`
	env := map[string]string{"io.casview.run": "r<1>", "io.casview.inputs": "x"}
	cases := []struct {
		name, before string
		annotations  map[string]string
		want         []string // "" where the file stays
		never        string
	}{
		{"hooks are missing", `{"z": 12345678901234567890123, "hooks": {"poststop": [{"path":"/x", "n": 1e400}]}, "a": "\u003c"}`, nil,
			[]string{`{"z":12345678901234567890123,`, `{"path":"/x","n":1e400}`, `"a":"\u003c"`, `"casview-hook","--config"`}, "annotations"},
		{"all is missing", `{}`, env, []string{`"annotations":{"io.casview.inputs":"x","io.casview.run":"r<1>"}`, `"poststop"]`, `"createRuntime"]`}, ""},
		{"annotations are missing", `{"annotations": {"a": "b"}, ` + hooks + `}`, env,
			[]string{`"annotations":{"a":"b","io.casview.inputs"`, strings.Replace(hooks, ": ", ":", 1)}, "createRuntime"},
		{"nothing is missing", `{` + hooks + `}`, nil, nil, ""},
		{"one hook is missing", `{"hooks": {"createRuntime": [{"path": "/opt/casview-hook"}]}}`, nil, []string{`"createRuntime"]`, `"poststop"]`}, "/opt/"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := bundle(t, c.before)
			path := filepath.Join(dir, "config.json")
			changed, err := completeText(path, c.before, c.annotations)
			after := read(t, dir)
			if err != nil || changed != (c.want != nil) || changed == (after == c.before) {
				t.Fatalf("changed %t, %v: %s", changed, err, after)
			}
			for _, want := range c.want {
				if !strings.Contains(after, want) {
					t.Errorf("no %s in %s", want, after)
				}
			}
			if c.never != "" && strings.Contains(after, c.never) {
				t.Errorf("%s in %s", c.never, after)
			}
			if changed, err := completeText(path, after, nil); changed || err != nil {
				t.Errorf("completed again: %t, %v", changed, err)
			}
			if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v", st.Mode(), err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("in the bundle: %v, %v", left, err)
			}
		})
	}
}

func TestCompleteFollowsALink(t *testing.T) {
	dir, elsewhere := t.TempDir(), bundle(t, "{}")
	path := filepath.Join(dir, "config.json")
	if err := os.Symlink(filepath.Join(elsewhere, "config.json"), path); err != nil {
		t.Fatal(err)
	}
	if _, err := completeText(path, "{}", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Readlink(path); err != nil || !strings.Contains(read(t, elsewhere), "poststop") {
		t.Errorf("the link: %v; the file: %s", err, read(t, elsewhere))
	}
}

func TestCompleteRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{": "EOF", "{}}": "after", `{"a":1`: "EOF", "[]": "is not a JSON object", `{"hooks":[]}`: "hooks: is not a JSON object",
		`{"hooks":{"poststop":{}}}`: "hooks: poststop: ", `{"annotations":[]}`: "annotations: is not a JSON object",
	} {
		dir := bundle(t, text)
		_, err := completeText(filepath.Join(dir, "config.json"), text, map[string]string{"a": "b"})
		if err == nil || !strings.Contains(err.Error(), want) || read(t, dir) != text {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	if _, err := completeText("/nowhere/config.json", "{}", nil); err == nil {
		t.Error("no bundle")
	}
}

func TestConfigIsLookedAt(t *testing.T) {
	c, err := ParseConfig([]byte(`{"process": {"env": ["A=1", "B=\u003c"], "args": [1]}, "annotations": {"a": "b"}}`))
	if err != nil {
		t.Fatal(err)
	}
	annotations, err := c.Annotations()
	if err != nil || len(annotations) != 1 || annotations["a"] != "b" {
		t.Errorf("annotations %v, %v", annotations, err)
	}
	if env, err := c.Env(); err != nil || strings.Join(env, " ") != "A=1 B=<" {
		t.Errorf("environment %q, %v", env, err)
	}
	for _, text := range []string{`{}`, `{"process": null, "annotations": null}`} {
		c, err := ParseConfig([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		annotations, err1 := c.Annotations()
		env, err2 := c.Env()
		if len(annotations)+len(env) > 0 || err1 != nil || err2 != nil {
			t.Errorf("%s: %v, %v, %q, %v", text, annotations, err1, env, err2)
		}
	}
}
