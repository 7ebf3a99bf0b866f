package state

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	r, given, err := Options{Inputs: goldenInputs, Target: "/work/src", Outputs: `["build/**", "*.log"]`}.Request()
	if err != nil || !given || r.Inputs.String() != goldenInputs || r.Target != "/work/src" || len(r.Outputs) != 2 {
		t.Fatalf("%+v, %v, %v", r, given, err)
	}
	o, err := r.Options()
	want := []string{"--inputs", goldenInputs, "--target", "/work/src", "--outputs", `["build/**","*.log"]`}
	if err != nil || !slices.Equal(o.Args(), want) {
		t.Errorf("%q, %v", o.Args(), err)
	}
	if again, _, err := o.Request(); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v, %v", again, err)
	}
	if _, given, err := (Options{}).Request(); given || err != nil {
		t.Errorf("no options: %v, %v", given, err)
	}
}

func TestOptionsNameWhatIsWrong(t *testing.T) {
	for want, o := range map[string]Options{
		"--inputs: digest":     {Inputs: "sha256:1"},
		"--target: ":           {Inputs: goldenInputs, Target: "work"},
		"--outputs: ":          {Inputs: goldenInputs, Outputs: "[]"},
		"need --inputs":        {Target: "/work"},
		"--outputs need --inp": {Outputs: `["a"]`},
	} {
		if _, given, err := o.Request(); !given || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, %v", o, given, err)
		}
	}
}

func TestHooksWithInputs(t *testing.T) {
	c, err := decodeConfig(strings.NewReader(`{"hooks": {
		"prestart": [{"path": "/a/casview-hook", "args": ["casview-hook", "-inputs=sha256:1", "prestart"]}],
		"createRuntime": [
			{"path": "/a/casview-hook", "args": ["casview-hook", "--config", "/c", "createRuntime"]},
			{"path": "/a/casview-hook", "args": ["casview-hook", "--inputs", "sha256:2", "createRuntime"]},
			{"path": "/a/casview-hook", "args": ["casview-hook", "--inputs=sha256:3", "createRuntime"]},
			{"path": "/a/other", "args": ["casview-hook", "--inputs", "sha256:4", "createRuntime"]},
			{"path": "/a/casview-hook"}],
		"poststop": [{"path": "/a/casview-hook", "args": ["casview-hook", "--inputs", "sha256:5", "poststop"]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := c.HooksWithInputs()
	if len(got) != 3 {
		t.Fatalf("%q", got)
	}
	for i, want := range []string{"sha256:1", "sha256:2", "sha256:3"} {
		if !strings.Contains(got[i], want) {
			t.Errorf("%q, want %s", got[i], want)
		}
	}
}
