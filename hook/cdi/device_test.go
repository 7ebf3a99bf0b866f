package cdi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"tags.cncf.io/container-device-interface/pkg/cdi"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/hook/spec"
	"github.com/casview/casview/hook/state"
)

func device(name Name) Device {
	return Device{
		Name:    name,
		Request: state.Request{Inputs: cas.Sum(digest.SHA256, nil), Target: "/work/src", Outputs: []string{"bin/**", "a & b"}},
		Program: spec.Program{Path: "/usr/local/bin/casview-hook", Config: "/etc/casview/config.toml", CollectTimeout: time.Minute},
	}
}

// inject lets CDI's own library, which every engine uses, read a folder and give a container devices.
func inject(t *testing.T, dir Dir, devices ...string) *specs.Spec {
	t.Helper()
	cache, err := cdi.NewCache(cdi.WithSpecDirs(string(dir)), cdi.WithAutoRefresh(false))
	if err != nil {
		t.Fatal(err)
	}
	if errs := cache.GetErrors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	var out specs.Spec
	if left, err := cache.InjectDevices(&out, devices...); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	return &out
}

// The container gets the hooks that every other container has, and the request among the arguments of the first.
func TestWhatAContainerGets(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "cdi"))
	for _, name := range []Name{"sources", "17:a_b-c.d", "X"} {
		d := device(name)
		if err := dir.Write(d); err != nil {
			t.Fatal(err)
		}
		got := inject(t, dir, d.QualifiedName())
		var want specs.Hooks
		d.Program.AddHooks(&want)
		args := []string{"casview-hook", "--config", "/etc/casview/config.toml", "--inputs", d.Request.Inputs.String(),
			"--target", "/work/src", "--outputs", `["bin/**","a & b"]`, "createRuntime"}
		want.CreateRuntime[0].Args = args
		if !reflect.DeepEqual(*got.Hooks, want) {
			t.Errorf("hooks %+v, want %+v", got.Hooks, want)
		}
		got.Hooks = nil
		if !reflect.DeepEqual(*got, specs.Spec{}) {
			t.Errorf("more than hooks: %+v", got)
		}
	}
}

// Old engines know old versions only: podman 4.3 those up to 0.5.0.
func TestLowestVersion(t *testing.T) {
	for name, want := range map[Name]string{"sources": "0.3.0", "1st": "0.5.0"} {
		text, err := device(name).Encode()
		var got struct{ CDIVersion string }
		if err == nil {
			err = json.Unmarshal(text, &got)
		}
		if err != nil || got.CDIVersion != want {
			t.Errorf("%s: version %q, %v; want %s", name, got.CDIVersion, err, want)
		}
	}
}

func TestDecode(t *testing.T) {
	bare := Device{Name: "bare", Request: state.Request{Inputs: cas.Sum(digest.SHA256, nil)}, Program: spec.Program{Path: "/bin/casview-hook"}}
	for _, want := range []Device{device("sources"), bare} {
		text, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Decode(text)
		want.Program.CollectTimeout = 0 // only the hook's own bound depends on it
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, ok, want)
		}
		// Another version of casview may have other bounds or another environment.
		older := strings.NewReplacer(`"PATH=`, `"PATH=/opt/bin:`, `"timeout": 30`, `"timeout": 60`).Replace(string(text))
		if _, ok := Decode([]byte(older)); !ok || older == string(text) {
			t.Errorf("not known again: %s", older)
		}
	}
}

// What somebody else wrote, or has put something of their own into, is not casview's.
func TestDecodeWhatIsNotCasviews(t *testing.T) {
	text, err := device("sources").Encode()
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := EncodeHooks(device("x").Program)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{string(text), ""}, {string(text), "{"}, {string(text), string(hooks)},
		{Kind, "vendor.com/inputs"},
		{`"sources"`, `"-"`},
		{"/usr/local/bin/casview-hook", "/usr/local/bin/other-hook"},
		{"createRuntime\",\n", "prestart\",\n"},
		{`"containerEdits": {`, `"containerEdits": {"env": ["A=b"],`},
		{`"devices"`, `"comment": "mine", "devices"`},
		{"--inputs", "--input"},
		{"sha256:", "sha255:"},
	} {
		theirs := strings.ReplaceAll(string(text), c[0], c[1])
		if theirs == string(text) {
			t.Errorf("%q is not in %s", c[0], text)
		}
		if d, ok := Decode([]byte(theirs)); ok {
			t.Errorf("taken for casview's: %+v of %s", d, theirs)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	named, relative, target := device("a"), device("a"), device("a")
	named.Request.Run = "run"
	relative.Program.Path = "casview-hook"
	target.Request.Target = "work"
	for want, d := range map[string]Device{"no run name": named, "is not an absolute path": relative, "--target": target} {
		if _, err := d.Encode(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// The device for engines without a folder of hooks has the hooks of every other container.
func TestHooksDevice(t *testing.T) {
	dir, p := t.TempDir(), device("x").Program
	text, err := EncodeHooks(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, HooksFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
	var want specs.Hooks
	p.AddHooks(&want)
	if got := inject(t, Dir(dir), HooksDevice); !reflect.DeepEqual(*got.Hooks, want) {
		t.Errorf("hooks %+v, want %+v", got.Hooks, want)
	}
	if d, ok := Decode(text); ok {
		t.Errorf("taken for an input set: %+v", d)
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"a": true, "1": true, "a:b_c-d.e9": true, strings.Repeat("n", 128): true,
		"": false, "a b": false, "-a": false, "a-": false, "a/b": false, "a=b": false, "..": false, "ä": false, strings.Repeat("n", 129): false,
	} {
		_, err := ParseName(name)
		if (err == nil) != good || err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "letters, digits")) {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}
