package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A change and what takes it out again leave the text as it was, or refuse it.
func TestChanges(t *testing.T) {
	docker := member{path: []string{"runtimes", "casview"}, value: dockerRuntime{Path: "/bin/r"}}
	imports := listItem{head: "version = 3\n", key: "imports", item: "/c/*.toml"}
	handler := tables{head: "version = 2\n", text: "# ours\n[p.casview]\n  x = 1\n"}
	cases := []struct {
		name     string
		change   change
		old, new string
		err      string
	}{
		{"nothing else", docker, "{}", `{"runtimes":{"casview":{"path":"/bin/r"}}}`, ""},
		{"order and numbers", docker, "{\n  \"z\": 1e400,\n  \"a\": \"<&>\"\n}\n",
			"{\n  \"z\": 1e400,\n  \"a\": \"<&>\",\n  \"runtimes\": {\n    \"casview\": {\n      \"path\": \"/bin/r\"\n    }\n  }\n}\n", ""},
		{"beside others", docker, `{"runtimes":{"x":{}},"b":1}`, `{"runtimes":{"x":{},"casview":{"path":"/bin/r"}},"b":1}`, ""},
		{"there already", docker, `{"runtimes":{"casview": {"path": "/bin/r"}}}`, `{"runtimes":{"casview": {"path": "/bin/r"}}}`, ""},
		{"another one", docker, `{"runtimes":{"casview":{"path":"/theirs"}}}`, "", "casview is there already and says something else"},
		{"no object", docker, `{"runtimes":[]}`, "", "runtimes: is not a JSON object"},
		{"no JSON", docker, `{"runtimes"`, "", "unexpected"},

		{"no list", imports, "version = 3\n[a]\nb = 1\n", "version = 3\nimports = [\"/c/*.toml\"]\n[a]\nb = 1\n", ""},
		{"no version", imports, "[a]\nb = 1", "imports = [\"/c/*.toml\"]\n[a]\nb = 1", ""},
		{"an empty list", imports, "imports = []\n", "imports = [\"/c/*.toml\"]\n", ""},
		{"a list", imports, "imports = ['/x'] # all\n", "imports = ['/x', \"/c/*.toml\"] # all\n", ""},
		{"in the list", imports, "imports = [\n'/c/*.toml']\n", "imports = [\n'/c/*.toml']\n", ""},
		{"a list in lines", imports, "imports = [\n  '/x',\n]\n", "", "imports is not a list in one line"},
		{"a list with a bracket", imports, "imports = ['/x[ab]']\n", "", "imports is not a list in one line"},
		{"only in a comment", imports, "# version = 3\n#imports = []\nroot = \"/x\"\n", "imports = [\"/c/*.toml\"]\n# version = 3\n#imports = []\nroot = \"/x\"\n", ""},
		{"only in a string", imports, "a = '''\nversion = 3\n'''\n", "", "imports is not a list in one line"},
		{"no TOML", imports, "imports = [", "", "line 1"},

		{"tables", handler, "[p]\ny = 1\n", "[p]\ny = 1\n\n# ours\n[p.casview]\n  x = 1\n", ""},
		{"without a last line break", handler, "a = 1", "a = 1\n\n# ours\n[p.casview]\n  x = 1\n", ""},
		{"tables there", handler, "p.casview.x = 1\n", "p.casview.x = 1\n", ""},
		{"an inline table", handler, "p = {y = 1}\n", "", "something of it is there already"},
		{"another value", handler, "[p.casview]\nx = 2\n", "", "something of it is there already"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text, p, err := c.change.apply([]byte(c.old))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || string(text) != c.new {
				t.Fatalf("%v, got\n%s\nwant\n%s", err, text, c.new)
			}
			if again, _, err := c.change.apply(text); err != nil || string(again) != c.new {
				t.Errorf("again: %v\n%s", err, again)
			}
			if c.new == c.old {
				return
			}
			if back, err := p.undo(text); err != nil || string(back) != c.old {
				t.Errorf("undone: %v\n%s", err, back)
			}
			if back, err := p.undo([]byte(c.old)); err != nil || string(back) != c.old {
				t.Errorf("undone twice: %v\n%s", err, back)
			}
		})
	}
}

// What the administrator adds beside casview's entry stays, whoever comes after whom.
func TestChangesOfBoth(t *testing.T) {
	o := options(t)
	o.Engine, o.InPlace = Docker, true
	path := filepath.Join(o.Root, daemonJSON)
	write(t, path, `{"debug":true}`)
	apply(t, o)
	write(t, path, strings.Replace(read(t, path), `true`, `true,"theirs":1`, 1))
	o.Prefix = "/opt"
	apply(t, o)
	if want := `{"debug":true,"theirs":1,"runtimes":{"casview":{"path":"/opt/bin/casview-runtime"}}}`; read(t, path) != want {
		t.Errorf("got %s, want %s", read(t, path), want)
	}
	removeAll(t, o)
	if want := `{"debug":true,"theirs":1}`; read(t, path) != want {
		t.Errorf("got %s, want %s", read(t, path), want)
	}
	if exists(path + backupSuffix) {
		t.Error("the backup stays")
	}
}

// A file that is casview's alone goes without a trace, also when it was changed in between.
func TestOwnFileChanges(t *testing.T) {
	o := options(t)
	o.Engine = Docker
	before := tree(t, o.Root)
	apply(t, o)
	o.Prefix = "/opt"
	apply(t, o)
	if text := read(t, filepath.Join(o.Root, daemonJSON)); !strings.Contains(text, "/opt/bin/casview-runtime") {
		t.Errorf("it says %s", text)
	}
	removeAll(t, o)
	if end := tree(t, o.Root); !slices.Equal(end, before) {
		t.Errorf("left %q", names(before, end))
	}
}

// containerd 1 needs its default handler named beside casview's, also when casview's moves.
func TestHandlerMoves(t *testing.T) {
	o := options(t)
	o.Engine, o.InPlace = Containerd, true
	path := filepath.Join(o.Root, ctrdMain)
	const theirs = "version = 2\n"
	write(t, path, theirs)
	apply(t, o)
	o.Prefix = "/opt"
	apply(t, o)
	if text := read(t, path); strings.Count(text, ".runtimes.runc]") != 1 || !strings.Contains(text, "/opt/bin/casview-runtime") ||
		strings.Contains(text, "/usr/local") {
		t.Errorf("%s", text)
	}
	removeAll(t, o)
	if read(t, path) != theirs || exists(path+backupSuffix) {
		t.Errorf("%s", read(t, path))
	}
}

// A file that casview made goes as a whole; with more in it than casview put there, only casview's part goes.
func TestMadeFileWithMoreInIt(t *testing.T) {
	o := options(t)
	o.Engine = Docker
	path := filepath.Join(o.Root, daemonJSON)
	apply(t, o)
	write(t, path, strings.Replace(read(t, path), "{", `{"debug":true,`, 1))
	removeAll(t, o)
	if got := strings.Join(strings.Fields(read(t, path)), ""); got != `{"debug":true}` {
		t.Errorf("got %s", got)
	}
}

// An entry that somebody edited is not taken out, and stays on record until somebody has.
func TestEditedEntry(t *testing.T) {
	o := options(t)
	o.Engine, o.InPlace = Docker, true
	path := filepath.Join(o.Root, daemonJSON)
	write(t, path, "{}")
	apply(t, o)
	theirs := strings.Replace(read(t, path), "casview-runtime", "my-runtime", 1)
	write(t, path, theirs)
	p, err := NewRemoval(o)
	if err != nil || p.Incomplete() == nil {
		t.Fatal(p.Files, err)
	}
	if err := p.Apply(); err != nil || read(t, path) != theirs {
		t.Errorf("%v: %s", err, read(t, path))
	}
	write(t, path, "{}")
	removeAll(t, o)
	if read(t, path) != "{}" || exists(path+backupSuffix) || exists(filepath.Join(o.Root, "etc/casview")) {
		t.Errorf("%s", read(t, path))
	}
}

// The administrator's own entry is right, so it is not casview's to take out.
func TestOwnEntryStays(t *testing.T) {
	o := options(t)
	o.Engine = Docker
	path := filepath.Join(o.Root, daemonJSON)
	const theirs = `{"runtimes":{"casview":{"path":"/usr/local/bin/casview-runtime"}}}`
	write(t, path, theirs)
	for range 2 {
		if files := apply(t, o); slices.Contains(actions(files), ByHand) {
			t.Errorf("%v", files)
		}
	}
	removeAll(t, o)
	if read(t, path) != theirs {
		t.Errorf("%s", read(t, path))
	}
}

// The file behind a symlink is edited, with its owner and mode.
func TestEditKeepsOwnerModeAndLink(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: gives a file away")
	}
	o := options(t)
	o.Engine, o.InPlace = Docker, true
	real := filepath.Join(o.Root, "srv/daemon.json")
	write(t, real, "{}")
	if err := os.Chmod(real, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(real, 12, 34); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(o.Root, daemonJSON)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/srv/daemon.json", link); err != nil {
		t.Fatal(err)
	}
	before := tree(t, o.Root)
	apply(t, o)
	var st unix.Stat_t
	if err := unix.Stat(real, &st); err != nil || st.Uid != 12 || st.Gid != 34 || st.Mode&0o777 != 0o640 {
		t.Errorf("%+v, %v", st, err)
	}
	if !strings.Contains(read(t, real), "casview-runtime") {
		t.Errorf("%s", read(t, real))
	}
	removeAll(t, o)
	if end := tree(t, o.Root); !slices.Equal(end, before) {
		t.Errorf("left %q", names(before, end))
	}
}

func TestBackupInTheWay(t *testing.T) {
	o := options(t)
	o.Engine, o.InPlace = Docker, true
	path := filepath.Join(o.Root, daemonJSON)
	write(t, path, "{}")
	write(t, path+backupSuffix, "theirs")
	if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), path+backupSuffix+": is there already") {
		t.Error(err)
	}
}

// Docker's entry names a configuration that its runtime would not find by itself; containerd's can't.
func TestOtherConfiguration(t *testing.T) {
	o := options(t)
	o.Engine, o.Config = Docker, "/srv/casview.toml"
	apply(t, o)
	var got struct{ Runtimes map[string]dockerRuntime }
	if err := json.Unmarshal([]byte(read(t, filepath.Join(o.Root, daemonJSON))), &got); err != nil {
		t.Fatal(err)
	}
	if r := got.Runtimes["casview"]; r.Path != "/usr/local/bin/casview-runtime" || !slices.Equal(r.Args, []string{"--casview-config", "/srv/casview.toml"}) {
		t.Errorf("%+v", got)
	}
	o.Engine = Containerd
	if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), "leave --config out") {
		t.Error(err)
	}
}
