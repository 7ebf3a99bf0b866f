package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadLaysTheFileOverTheDefaults(t *testing.T) {
	got, err := Load(write(t, `
state = "/srv/casview"
view = { owner = "root", allowed_targets = ["/**"] }
collect.timeout = "90s"
[staging]
driver = "fuse"
[policy]
accept_env = true
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.State = "/srv/casview"
	want.View.Owner = "root"
	want.View.AllowedTargets = []string{"/**"}
	want.Collect.Timeout = Duration{90 * time.Second}
	want.Staging.Driver = "fuse"
	want.Policy.AcceptEnv = true
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestLoadErrorsNameFileLineAndKey(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"unknown key", "\n[store]\ndigst = \"sha256\"\n", `:3: store.digst: unknown key ([store] has digest, verify)`},
		{"unknown top-level key", "# c\nstat = \"/x\"\n", `:2: stat: unknown key (the top level has state, store, view, staging, collect, gc, policy, runtime, remote, log)`},
		{"unknown table", "[stoer]\ndigest = \"sha256\"\n", `:1: stoer: unknown key (the top level has`},
		{"key in another case", "[store]\nDigest = \"sha256\"\n", `:2: store.Digest: unknown key`},
		{"key with a newline", "\"a\\nb\" = 1\n", `:1: "a\nb": unknown key`},
		{"unknown key in an inline table", "\nstore = {verify = \"insert\", x = 1}\n", `:2: store.x: unknown key`},
		{"dotted key below a value", "state = \"/x\"\nlog.level.x = 1\n", `:2: log.level.x: unknown key`},
		{"table where a string belongs", "\n[log.level]\n", `:2: log.level: must be a string, not a table`},
		{"string where a table belongs", "store = \"sha256\"\n", `:1: store: must be a table, not a string`},
		{"list of tables", "\n[[store]]\ndigest = \"sha256\"\n", `:2: store: must be a table, not a list of tables`},
		{"string for a number", "[collect]\n\nworkers = \"2\"\n", `:3: collect.workers: must be an integer, not a string`},
		{"float for a number", "[collect]\nworkers = 2.0\n", `:2: collect.workers: must be an integer, not a float`},
		{"number for a flag", "[policy]\naccept_env = 1\n", `:2: policy.accept_env: must be true or false, not an integer`},
		{"number for a duration", "[collect]\ntimeout = 300\n", `:2: collect.timeout: must be a string, not an integer`},
		{"bad duration", "[collect]\ntimeout = \"5 minutes\"\n", `:2: collect.timeout: "5 minutes" is not a duration such as "90s" or "5m"`},
		{"string for a list", "[view]\nallowed_targets = \"/w\"\n", `:2: view.allowed_targets: must be a list of strings, not a string`},
		{"number in a list", "[view]\nallowed_targets = [\n \"/workspace\",\n 3]\n", `:2: view.allowed_targets: must be a list of strings`},
		{"tables in a list", "[view]\nallowed_targets = [{a = 1}]\n", `:2: view.allowed_targets: must be a list of strings`},
		{"not one of", "\n\n\n\n\n[staging]\ndriver = \"ovl\"\n", `:7: staging.driver: "ovl" is not one of auto, overlay, fuse`},
		{"semantic error in a dotted key", "\nstaging.driver = \"ovl\"\n", `:2: staging.driver: "ovl" is not one of auto, overlay, fuse`},
		{"the default no longer allowed", "\n[view]\nallowed_targets = [\"/x\"]\n", `:2: view.target: "/workspace" is not in view.allowed_targets`},
		{"relative state", "state = \"var\"\n", `:1: state: "var" is not an absolute path`},
		{"remote", "[remote]\nurl = \"grpc://h:1/i\"\n", `:2: remote.url: "grpc://h:1/i": this version has no remote store`},
		{"syntax", "[store]\ndigest = \n", `:2: `},
		{"duplicate key", "[store]\ndigest = \"sha256\"\ndigest = \"sha256\"\n", `:3: `},
		{"not UTF-8", "state = \"\xff\"\n", `:1: `},
		{"first error of several", "[log]\nlevel = 1\n[store]\nx = 1\n", `:2: log.level: `},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text)
			_, err := Load(path)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), path+c.want) {
				t.Errorf("got  %s\nwant %s%s", err, path, c.want)
			}
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestLoadMissingFile(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	if !thisHost().isRoot() {
		if _, err := Load(""); err != nil {
			t.Errorf("no file at the default path: %v", err)
		}
	}
	_, err := Load(filepath.Join(home, "none.toml"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none.toml") {
		t.Errorf("named file: %v", err)
	}
	if _, err := Load(home); err == nil {
		t.Error("a folder was read as a file")
	}
}

func TestLoadRefusesAHugeFile(t *testing.T) {
	for _, path := range []string{"/dev/zero", write(t, strings.Repeat("#\n", maxFile))} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than 256 KiB") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(DefaultTOML())
	f.Add("[store]\ndigst = 1\n")
	f.Add("[[view]]\nallowed_targets = [[1], {a = 2}]\n")
	f.Add("store = {digest = \"sha256\", x.y = 1}\nlog.level = 1979-05-27\n")
	f.Add("\"\\u0000\\n\".a = '''\n'''\n")
	base := defaultFor(host{})
	f.Fuzz(func(t *testing.T, text string) {
		// Values that cannot be used never get out, and whatever gets out survives a dump.
		c, err := decode("c.toml", text, base)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") || !strings.HasPrefix(err.Error(), "c.toml:") {
				t.Errorf("error is not one line with the file: %q", err)
			}
			return
		}
		if err := c.Check(); err != nil {
			t.Errorf("loaded, but: %v", err)
		}
		dump, err := c.TOML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode("dump.toml", dump, Config{})
		if err != nil {
			t.Fatalf("%v in\n%s", err, dump)
		}
		if !reflect.DeepEqual(again, c) {
			t.Errorf("got %+v\nwant %+v", again, c)
		}
	})
}
