package wrapper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/spec"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// bench is one container and one casview.
type bench struct {
	env     Env
	dir     string
	stderr  bytes.Buffer
	command []string // what was executed
}

// newBench has a state directory of its own: what is refused is remembered there.
func newBench(t *testing.T, config, container string) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir()}
	config = "state = \"DIR/state\"\n" + config
	b.env = Env{
		Hook: b.write(t, "casview-hook", ""), Config: b.write(t, "c.toml", strings.ReplaceAll(config, "DIR", b.dir)), Stderr: &b.stderr,
		Exec: func(runtime string, args []string) error {
			b.command = append([]string{runtime}, args...)
			return nil
		},
	}
	b.write(t, "config.json", container)
	return b
}

func (b *bench) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *bench) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (b *bench) args(verb string) []string {
	return []string{"--log", filepath.Join(b.dir, "log"), "--log-format", "json", verb, "--bundle", b.dir, "c"}
}

// passed checks that the runtime was executed with the arguments as they were.
func (b *bench) passed(t *testing.T, verb string, err error) {
	t.Helper()
	if want := append([]string{"/usr/bin/real"}, b.args(verb)...); err != nil || !slices.Equal(b.command, want) || b.stderr.Len() > 0 {
		t.Errorf("executed %q, %v, stderr %q", b.command, err, &b.stderr)
	}
}

const ours = `[runtime]
path = "/usr/bin/real"
`
const (
	annotated   = `{"annotations":{"io.casview.inputs":"` + digest + `","io.casview.run":"r1"}}`
	environment = `{"process":{"env":["CASVIEW_INPUTS=old","CASVIEW_RUN=r1","CASVIEW_INPUTS=` + digest + `"]}}`
)

func TestHooksAreAdded(t *testing.T) {
	cases := []struct {
		name, config, container string
		annotations             map[string]string
	}{
		{"annotations", ours, annotated, map[string]string{"io.casview.inputs": digest, "io.casview.run": "r1"}},
		{"an unknown one: the hook refuses it", ours, `{"annotations":{"io.casview.input":"x"}}`, map[string]string{"io.casview.input": "x"}},
		{"environment", ours + "[policy]\naccept_env = true\n", environment, map[string]string{"io.casview.inputs": digest, "io.casview.run": "r1"}},
		{"annotations before the environment", ours + "[policy]\naccept_env = true\n",
			`{"annotations":{"io.casview.run":"r2"},"process":{"env":["CASVIEW_RUN=r1"]}}`, map[string]string{"io.casview.run": "r2"}},
	}
	for _, c := range cases {
		for _, verb := range []string{"create", "run"} {
			t.Run(c.name+"/"+verb, func(t *testing.T) {
				b := newBench(t, c.config, c.container)
				b.passed(t, verb, Run(b.env, b.args(verb)))
				var got specs.Spec
				if err := json.Unmarshal([]byte(b.read(t, "config.json")), &got); err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(got.Annotations) != fmt.Sprint(c.annotations) {
					t.Errorf("annotations %v, want %v", got.Annotations, c.annotations)
				}
				want := spec.Program{Path: b.env.Hook, Config: b.env.Config, CollectTimeout: 300e9}.Hook(spec.Poststop)
				if h := got.Hooks; h == nil || len(h.CreateRuntime) != 1 || len(h.Poststop) != 1 {
					t.Fatalf("hooks %+v", h)
				} else if !reflect.DeepEqual(h.Poststop[0], want) {
					t.Errorf("poststop %+v, want %+v", h.Poststop[0], want)
				}
			})
		}
	}
}

// Hooks that are there by hooks.d or a base specification do the work, with their configuration.
func TestHooksAreNotAddedTwice(t *testing.T) {
	const hooks = `"hooks":{"createRuntime":[{"path":"/opt/casview-hook"}],"poststop":[{"path":"/x"},{"path":"/opt/casview-hook"}]}`
	b := newBench(t, ours+"[policy]\naccept_env = true\n", `{`+hooks+`,"annotations":{"io.casview.run":"r1"}}`)
	before := b.read(t, "config.json")
	b.passed(t, "create", Run(b.env, b.args("create")))
	if got := b.read(t, "config.json"); got != before {
		t.Errorf("changed to %s", got)
	}
	b = newBench(t, ours+"[policy]\naccept_env = true\n", `{`+hooks+`,"process":{"env":["CASVIEW_RUN=r1"]}}`)
	b.passed(t, "create", Run(b.env, b.args("create")))
	if got := b.read(t, "config.json"); !strings.Contains(got, hooks) || !strings.Contains(got, `"annotations":{"io.casview.run":"r1"}`) {
		t.Errorf("changed to %s", got)
	}
	half := strings.Replace(b.read(t, "config.json"), `,{"path":"/opt/casview-hook"}`, "", 1)
	b.write(t, "config.json", half)
	b.passed(t, "create", Run(b.env, b.args("create")))
	if got := b.read(t, "config.json"); strings.Count(got, b.env.Hook) != 2 || strings.Contains(got, "/opt/") {
		t.Errorf("with the poststop hook missing: %s", got)
	}
}

// Who does not ask is never touched, whatever is wrong with casview.
func TestOthersPass(t *testing.T) {
	const broken = ours + "[log]\nlevel = \"loud\"\n"
	cases := []struct{ name, verb, config, container string }{
		{"no request", "create", ours, `{"annotations":{"a":"b"}}`},
		{"no request, and no JSON either", "create", ours, `{`},
		{"mistakes in the configuration", "create", broken, `{}`},
		{"casview in the arguments", "run", broken, `{"process":{"args":["io.casview.inputs","CASVIEW_INPUTS=x"]}}`},
		{"variables do not count", "run", broken, environment},
		{"variables do not count, by a key that is there", "run", "x = 1\n[policy]\naccept_env = false\n" + ours, environment},
		{"another verb", "delete", broken, annotated},
		{"a checkpoint of others", "restore", ours, `{}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.config, c.container)
			b.env.Hook = "/nowhere/casview-hook"
			b.passed(t, c.verb, Run(b.env, b.args(c.verb)))
			if got := b.read(t, "config.json"); got != c.container {
				t.Errorf("config.json: %s", got)
			}
		})
	}
	t.Run("no config.json", func(t *testing.T) {
		b := newBench(t, ours, "")
		if err := os.Remove(filepath.Join(b.dir, "config.json")); err != nil {
			t.Fatal(err)
		}
		b.passed(t, "create", Run(b.env, b.args("create")))
	})
	t.Run("a configuration that is no TOML", func(t *testing.T) {
		b := newBench(t, "[runtime\n", `{"process":{"env":["CASVIEW=1"]}}`)
		if err := Run(b.env, b.args("create")); len(b.command) == 0 {
			t.Errorf("not executed: %v", err)
		}
	})
}

func TestRefused(t *testing.T) {
	cases := []struct {
		name, verb, config, container string
		spoil                         func(t *testing.T, b *bench)
		want                          string
		remembered                    []string
	}{
		{name: "mistakes in the configuration", verb: "create", config: ours + "[log]\nlevel = \"loud\"\n", container: annotated, want: "c.toml:5: log.level: "},
		{name: "no TOML, and nobody knows whether variables count", verb: "run", config: "[runtime\n", container: environment, want: "c.toml:3: "},
		{name: "a key that may be a misspelled accept_env", verb: "run", config: ours + "[policy]\naccept_environment = true\n", container: environment,
			want: "c.toml:5: policy.accept_environment: unknown key"},
		{name: "accept_env outside of its table", verb: "run", config: "accept_env = true\n" + ours, container: environment, want: "accept_env: unknown key"},
		{name: "no configuration", verb: "create", config: ours, container: annotated, want: "c.toml: no such file",
			spoil: func(t *testing.T, b *bench) { remove(t, b.env.Config) }},
		{name: "no hook", verb: "create", config: ours, container: annotated, want: "casview-hook: no such file", remembered: []string{"c", "r1"},
			spoil: func(t *testing.T, b *bench) { remove(t, b.env.Hook) }},
		{name: "restore", verb: "restore", config: ours, container: annotated, want: "restore: the view of a container", remembered: []string{"c", "r1"}},
		{name: "no JSON", verb: "create", config: ours, container: `{"annotations":{"io.casview.inputs"`, want: "config.json: unexpected EOF"},
		{name: "hooks that are none", verb: "create", config: ours, container: `{"annotations":{"io.casview.run":"a/b"},"hooks":{"poststop":{}}}`, want: "hooks: poststop: ",
			remembered: []string{"c"}},
		{name: "a bundle that can't be read", verb: "create", config: ours, want: "does the container ask for casview?",
			spoil: func(t *testing.T, b *bench) {
				remove(t, b.dir+"/config.json")
				if err := os.Mkdir(b.dir+"/config.json", 0o755); err != nil {
					t.Fatal(err)
				}
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.config, c.container)
			b.write(t, "log", "")
			if c.spoil != nil {
				c.spoil(t, b)
			}
			err := Run(b.env, b.args(c.verb))
			if err == nil || len(b.command) > 0 {
				t.Fatalf("error %v, executed %q", err, b.command)
			}
			said := b.stderr.String()
			if !strings.HasPrefix(said, "casview: ") || !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("stderr %q, want %q", said, c.want)
			}
			var entry struct{ Level, Msg, Time string }
			if err := json.Unmarshal([]byte(b.read(t, "log")), &entry); err != nil || entry.Level != "error" || entry.Msg+"\n" != said || entry.Time == "" {
				t.Errorf("log %q, %v", b.read(t, "log"), err)
			}
			refused, err := os.ReadDir(filepath.Join(b.dir, "state/refused"))
			if err != nil && len(c.remembered) > 0 {
				t.Error(err)
			}
			var names []string
			for _, e := range refused {
				names = append(names, e.Name())
			}
			if !slices.Equal(names, c.remembered) {
				t.Errorf("remembered %q, want %q", names, c.remembered)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestRefusalIsRemembered(t *testing.T) {
	b := newBench(t, ours, annotated)
	remove(t, b.env.Hook)
	cause := Run(b.env, b.args("create"))
	runs, err := rundir.OpenRuns(filepath.Join(b.dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	if why, _, err := runs.Refusal("r1"); err != nil || why != cause.Error() {
		t.Errorf("remembered %q, %v; want %v", why, err, cause)
	}
}

// Engines that give no log, or one in text, find the error there.
func TestTextLog(t *testing.T) {
	b := newBench(t, ours, annotated)
	remove(t, b.env.Hook)
	log := b.write(t, "log", "earlier\n")
	if err := Run(b.env, []string{"--log", log, "run", "--bundle", b.dir, "c"}); err == nil {
		t.Fatal("no error")
	}
	if got := b.read(t, "log"); !strings.HasPrefix(got, "earlier\ntime=\"") || !strings.Contains(got, ` level=error msg="casview: `) || strings.Count(got, "\n") != 2 {
		t.Errorf("log %q", got)
	}
}

func TestRuntimeThatCannotStart(t *testing.T) {
	b := newBench(t, ours, `{}`)
	b.env.Exec = func(string, []string) error { return errors.New("exec format error") }
	if err := Run(b.env, b.args("create")); err == nil || b.stderr.String() != "casview: runtime /usr/bin/real: exec format error\n" {
		t.Errorf("%v: %q", err, &b.stderr)
	}
}
