package spec

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/hook/state"
)

func program() Program {
	return Program{Path: "/usr/local/bin/casview-hook", Config: "/etc/casview/config.toml", CollectTimeout: 5 * time.Minute}
}

func request() state.Request { return state.Request{Inputs: cas.Sum(digest.SHA256, nil)} }

func bundle(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What casview does not own keeps its text: unknown keys, numbers beyond float64, order, characters that Go escapes.
func TestEditKeepsTheRest(t *testing.T) {
	const before = `{
  "zeta": 12345678901234567890123,
  "annotations": {
    "org.example": "a & b <c>"
  },
  "hooks": {
    "poststop": [
      {
        "path": "/other",
        "unknown": 1e400
      }
    ],
    "startContainer": []
  },
  "alpha": null
}
`
	dir := bundle(t, before)
	changed, err := Edit(dir, request(), program())
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	after := read(t, dir)
	for _, line := range strings.Split(before, "\n") {
		if !strings.Contains(after, strings.TrimSuffix(line, ",")) {
			t.Errorf("lost %q in\n%s", line, after)
		}
	}
	if strings.Index(after, "zeta") > strings.Index(after, "alpha") || !strings.HasSuffix(after, "}\n") {
		t.Errorf("order or ending changed:\n%s", after)
	}
	if st, err := os.Stat(filepath.Join(dir, "config.json")); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	changed, err = Edit(dir, request(), program())
	if err != nil || changed || read(t, dir) != after {
		t.Errorf("a second edit: changed %v, %v:\n%s", changed, err, read(t, dir))
	}
}

func TestEditReplacesItsOwn(t *testing.T) {
	dir := bundle(t, `{"annotations":{"x":"y"},"hooks":{"prestart":[{"path":"/old/casview-hook"},{"path":"/a"}]}}`)
	first := request()
	first.Target, first.Run, first.Outputs = "/src", "one", []string{"out/**"}
	if _, err := Edit(dir, first, Program{Path: "/old/casview-hook"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Edit(dir, request(), program()); err != nil {
		t.Fatal(err)
	}
	var got specs.Spec
	if err := json.Unmarshal([]byte(read(t, dir)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Annotations) != 2 || got.Annotations["x"] != "y" || got.Annotations[state.Inputs] != request().Inputs.String() {
		t.Errorf("annotations %v", got.Annotations)
	}
	if strings.Contains(read(t, dir), "/old/") || strings.Contains(read(t, dir), "\n") {
		t.Errorf("%s", read(t, dir))
	}
	h := got.Hooks
	if len(h.CreateRuntime) != 1 || len(h.Poststop) != 1 || !strings.Contains(read(t, dir), `"prestart":[{"path":"/a"}]`) {
		t.Errorf("hooks %+v", h)
	}
	if a := strings.Join(h.Poststop[0].Args, " "); a != "casview-hook --config /etc/casview/config.toml poststop" || *h.Poststop[0].Timeout != 930 {
		t.Errorf("poststop %q, timeout %d", a, *h.Poststop[0].Timeout)
	}
}

func TestEditRefuses(t *testing.T) {
	relative, badTarget := program(), request()
	relative.Path = "casview-hook"
	badTarget.Target = "work"
	cases := []struct {
		name, text string
		r          state.Request
		p          Program
		want       string
	}{
		{"no JSON", "{", request(), program(), "config.json: unexpected end"},
		{"a list", "[]", request(), program(), "is not a JSON object"},
		{"hooks is a list", `{"hooks":[]}`, request(), program(), "hooks: is not a JSON object"},
		{"a stage is an object", `{"hooks":{"poststop":{}}}`, request(), program(), "hooks: poststop: "},
		{"relative hook", "{}", request(), relative, "is not an absolute path"},
		{"bad request", "{}", badTarget, program(), state.Target},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := bundle(t, c.text)
			if _, err := Edit(dir, c.r, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if read(t, dir) != c.text {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := Edit(t.TempDir(), request(), program()); err == nil {
		t.Error("no config.json")
	}
}

// The configuration that runc itself writes.
func TestEditWhatRuncWrites(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("runc", "spec", "--bundle", dir).CombinedOutput(); err != nil {
		t.Skipf("runc spec: %v: %s", err, out)
	}
	before := read(t, dir)
	if _, err := Edit(dir, request(), program()); err != nil {
		t.Fatal(err)
	}
	after := read(t, dir)
	head, _, _ := strings.Cut(after, `,`+"\n\t"+`"annotations"`)
	if !strings.HasPrefix(before, head) {
		t.Errorf("the text before the annotations changed:\n%s", after)
	}
}

// Hooks with inputs are what an administrator gives the container, by a CDI spec: the hook itself compares them with the
// annotations.
func TestEditKeepsHooksWithInputs(t *testing.T) {
	const given = `{"path":"/bin/casview-hook","args":["casview-hook","--inputs","sha256:1","createRuntime"]}`
	dir := bundle(t, `{"hooks":{"createRuntime":[`+given+`,{"path":"/bin/casview-hook"}]}}`)
	if _, err := Edit(dir, request(), program()); err != nil {
		t.Fatal(err)
	}
	var got specs.Spec
	if err := json.Unmarshal([]byte(read(t, dir)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Hooks.CreateRuntime) != 2 || !strings.Contains(read(t, dir), `"createRuntime":[`+given+`,`) {
		t.Errorf("%s", read(t, dir))
	}
	program().AddHooks(got.Hooks)
	if len(got.Hooks.CreateRuntime) != 2 || len(got.Hooks.Poststop) != 1 {
		t.Errorf("AddHooks: %+v", got.Hooks)
	}
}
