package state

import (
	"maps"
	"reflect"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	full := map[string]string{
		Inputs: goldenInputs, Target: "/work/src", Run: "build-17", Outputs: `["build/**","*.log"]`, "org.other": "x",
	}
	r, asked, err := ParseRequest(full)
	if err != nil || !asked {
		t.Fatal(asked, err)
	}
	if r.Inputs.String() != goldenInputs || r.Target != "/work/src" || r.Run != "build-17" ||
		!reflect.DeepEqual(r.Outputs, []string{"build/**", "*.log"}) {
		t.Errorf("%+v", r)
	}
	back, err := r.Annotations()
	if err != nil || !maps.Equal(back, Mine(full)) {
		t.Errorf("annotations %v, %v", back, err)
	}

	if r, _, err := ParseRequest(map[string]string{Inputs: goldenInputs + "/123"}); err != nil || r.Inputs.String() != goldenInputs {
		t.Errorf("digest with size: %+v, %v", r, err)
	}
	if _, asked, err := ParseRequest(map[string]string{"io.casviewer.inputs": "x", "io.casview": "y"}); asked || err != nil {
		t.Errorf("foreign keys: %v, %v", asked, err)
	}
}

func TestParseRequestNamesWhatIsWrong(t *testing.T) {
	cases := []struct{ name, key, value, want string }{
		{"misspelled", "io.casview.input", "x", "annotation io.casview.input: unknown"},
		{"key with a newline", "io.casview.\nx", "x", `annotation "io.casview.\nx": unknown`},
		{"empty digest", Inputs, "", "annotation io.casview.inputs: digest"},
		{"bad digest", Inputs, "sha256:12", "annotation io.casview.inputs: digest"},
		{"relative target", Target, "work", `annotation io.casview.target: "work" is not a clean absolute path`},
		{"target with dots", Target, "/work/../etc", "annotation io.casview.target"},
		{"doubled slash", Target, "//work", "annotation io.casview.target"},
		{"root as target", Target, "/", "annotation io.casview.target"},
		{"target with NUL", Target, "/a\x00b", "annotation io.casview.target"},
		{"run is a path", Run, "../x", "annotation io.casview.run: run name"},
		{"outputs no list", Outputs, "*.o", "annotation io.casview.outputs"},
		{"outputs of numbers", Outputs, "[1]", "annotation io.casview.outputs"},
		{"outputs empty", Outputs, "[]", "annotation io.casview.outputs: \"[]\" names nothing"},
		{"outputs null", Outputs, "null", "annotation io.casview.outputs"},
		{"bad glob", Outputs, `["a","[b"]`, `annotation io.casview.outputs: "[b" is not a valid glob`},
		{"absolute glob", Outputs, `["/etc/*"]`, "annotation io.casview.outputs"},
		{"glob that leaves", Outputs, `["../x"]`, "annotation io.casview.outputs"},
		{"empty glob", Outputs, `[""]`, "annotation io.casview.outputs"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := map[string]string{Inputs: goldenInputs}
			m[c.key] = c.value
			_, asked, err := ParseRequest(m)
			if !asked || err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("asked %v, error %q, want %q", asked, err, c.want)
			}
		})
	}
	_, asked, err := ParseRequest(map[string]string{Target: "/work"})
	if !asked || err == nil || !strings.Contains(err.Error(), Inputs+" is missing") {
		t.Errorf("no inputs: %v, %v", asked, err)
	}
}

func TestMergeAnnotations(t *testing.T) {
	s := State{}
	c := Config{Annotations: map[string]string{Inputs: goldenInputs, "other": "1"}}
	for _, inState := range []map[string]string{nil, {Inputs: goldenInputs, "other": "2"}} {
		s.Annotations = inState
		got, err := MergeAnnotations(s, c)
		if err != nil || !maps.Equal(got, map[string]string{Inputs: goldenInputs}) {
			t.Errorf("%v: %v, %v", inState, got, err)
		}
	}
	s.Annotations = map[string]string{Inputs: "sha256:other"}
	if _, err := MergeAnnotations(s, c); err == nil || !strings.Contains(err.Error(), Inputs) {
		t.Errorf("two values: %v", err)
	}
	if got, err := MergeAnnotations(s, Config{}); err != nil || got[Inputs] != "sha256:other" {
		t.Errorf("only in the state: %v, %v", got, err)
	}
}

func TestFromEnvironment(t *testing.T) {
	var c Config
	c.Process.Env = []string{"CASVIEW_INPUTS=a", "CASVIEW_INPUTS=b", "CASVIEW_OTHER=x", "PATH=/bin", "CASVIEW_RUN"}
	want := map[string]string{Inputs: "b", Run: ""}
	if got := FromEnvironment(c); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
