package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/config"
)

// programs is a folder with something under the names of the programs.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"casview", "casview-fsd", "casview-hook", "casview-runtime"} {
		write(t, filepath.Join(dir, name), "program "+name)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// options install onto a system below root.
func options(t *testing.T) Options {
	t.Helper()
	return Options{Engine: Podman, Root: t.TempDir(), Programs: programs(t), CollectTimeout: 5 * time.Minute}
}

func apply(t *testing.T, o Options) []File { return carryOut(t, o, NewPlan) }

func removeAll(t *testing.T, o Options) []File { return carryOut(t, o, NewRemoval) }

func carryOut(t *testing.T, o Options, plan func(Options) (*Plan, error)) []File {
	t.Helper()
	p, err := plan(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	return p.Files
}

func actions(files []File) []Action {
	var out []Action
	for _, f := range files {
		out = append(out, f.Action)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

func TestInstallOntoAnotherRoot(t *testing.T) {
	o := options(t)
	files := apply(t, o)
	if got := actions(files); !slices.Equal(got, []Action{Create}) {
		t.Errorf("actions %q", got)
	}
	for _, name := range []string{"casview", "casview-fsd", "casview-hook", "casview-runtime"} {
		path := filepath.Join(o.Root, "usr/local/bin", name)
		if read(t, path) != "program "+name {
			t.Errorf("%s is not the program", path)
		}
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
	if _, err := config.Load(filepath.Join(o.Root, "etc/casview/config.toml")); err != nil {
		t.Error(err)
	}
	var h hooksFile
	text := read(t, filepath.Join(o.Root, "usr/share/containers/oci/hooks.d/casview-createRuntime.json"))
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		t.Fatal(err)
	}
	if h.Hook.Path != "/usr/local/bin/casview-hook" || strings.Join(h.Hook.Args, " ") != "casview-hook --config /etc/casview/config.toml createRuntime" ||
		len(h.Hook.Env) != 1 || h.When.Always {
		t.Errorf("%s", text)
	}
	if got := actions(apply(t, o)); !slices.Equal(got, []Action{Keep}) {
		t.Errorf("again: actions %q", got)
	}
}

// Every hook file taken together must name one create stage only, or a container would get two views.
func TestOneCreateStage(t *testing.T) {
	var stages []string
	for _, f := range apply(t, options(t)) {
		var h hooksFile
		if json.Unmarshal(f.Content, &h) == nil {
			for _, s := range h.Stages {
				stages = append(stages, string(s))
			}
		}
	}
	if !slices.Equal(stages, []string{"createRuntime", "poststop"}) {
		t.Errorf("stages %q", stages)
	}
}

// Podman matches key and value with regexp.MatchString. Whatever is near casview's annotations must reach the hook.
func TestAnnotationPatterns(t *testing.T) {
	cases := []struct {
		key, value string
		want       bool
	}{
		{"io.casview.inputs", "sha256:00", true},
		{"io.casview.inptus", "", true},
		{"io.casview.inputs", "a\nb", true},
		{"io.casview.\nx", "a", true},
		{"io.casview.", "a", true},
		{"ioXcasview.inputs", "a", false},
		{"org.io.casview.inputs", "a", false},
		{"io.casviewer.x", "a", false},
	}
	for _, c := range cases {
		for key, value := range when(false).Annotations {
			if got := regexp.MustCompile(key).MatchString(c.key) && regexp.MustCompile(value).MatchString(c.value); got != c.want {
				t.Errorf("%q=%q: %v", c.key, c.value, got)
			}
		}
	}
	if w := when(true); !w.Always || w.Annotations != nil {
		t.Errorf("with accept_env: %+v", w)
	}
}

func TestUpgradeAndUninstall(t *testing.T) {
	o := options(t)
	apply(t, o)
	write(t, filepath.Join(o.Programs, "casview-hook"), "newer")
	conf := filepath.Join(o.Root, "etc/casview/config.toml")
	write(t, conf, "# mine\n")
	o.AcceptEnv, o.CollectTimeout = true, time.Minute
	if got := actions(apply(t, o)); !slices.Equal(got, []Action{Keep, Replace}) {
		t.Errorf("actions %q", got)
	}
	if read(t, conf) != "# mine\n" || read(t, filepath.Join(o.Root, "usr/local/bin/casview-hook")) != "newer" {
		t.Error("an upgrade keeps the configuration and replaces the programs")
	}
	files := removeAll(t, o)
	if got := actions(files); !slices.Equal(got, []Action{Keep, Remove}) || len(files) != 7 {
		t.Errorf("removal %v", files)
	}
	if read(t, conf) != "# mine\n" {
		t.Error("an edited configuration is kept")
	}
	if files := removeAll(t, o); len(files) != 0 {
		t.Errorf("nothing to remove: %v", files)
	}
}

// A file that an administrator wrote or edited is neither overwritten nor removed.
func TestSomebodyElsesFile(t *testing.T) {
	o := options(t)
	apply(t, o)
	path := filepath.Join(o.Root, SystemHooks, "casview-poststop.json")
	ours := read(t, path)
	for _, theirs := range []string{
		"", "{}", `{"version":"1.0.0"}`, "not JSON", strings.Replace(ours, "930", "9", 1), ours + "\n", strings.Replace(ours, "PATH=", "PATH=/x:", 1),
		strings.Replace(ours, ".*", "sha256.*", 1),
		strings.Replace(ours, `"when"`, `"x": 1, "when"`, 1), strings.Replace(ours, "/casview-hook", "/my-hook", 1),
	} {
		write(t, path, theirs)
		if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), path+": was edited since casview wrote it") {
			t.Errorf("%q: %v", theirs, err)
		}
		p, err := NewRemoval(o)
		if err != nil || !slices.Equal(actions(p.Files), []Action{Keep, Remove}) {
			t.Errorf("%q: removal %v, %v", theirs, p.Files, err)
		}
		if read(t, path) != theirs {
			t.Error("a plan changed the file")
		}
	}
	if err := os.Remove(filepath.Join(o.Root, "etc/casview", recordName)); err != nil {
		t.Fatal(err)
	}
	if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), path+": is there and is not what casview wrote") {
		t.Errorf("off record: %v", err)
	}
}

// Without its record an installation can be made again, and then be taken out.
func TestLostRecord(t *testing.T) {
	o := options(t)
	apply(t, o)
	record := filepath.Join(o.Root, "etc/casview", recordName)
	write(t, record, "{")
	for _, plan := range []func(Options) (*Plan, error){NewPlan, NewRemoval} {
		if _, err := plan(o); err == nil || !strings.Contains(err.Error(), record+": unexpected EOF: move it away and install again") {
			t.Errorf("damaged: %v", err)
		}
	}
	if err := os.Remove(record); err != nil {
		t.Fatal(err)
	}
	if got := actions(apply(t, o)); !slices.Equal(got, []Action{Keep}) {
		t.Errorf("again: %q", got)
	}
	removeAll(t, o)
	if names, _ := filepath.Glob(filepath.Join(o.Root, SystemHooks, "*")); len(names) != 0 {
		t.Errorf("left %q", names)
	}
	for _, theirs := range []string{"etc/casview/config.toml", "usr/local/bin/casview-hook"} {
		if !exists(filepath.Join(o.Root, theirs)) {
			t.Errorf("%s may be somebody else's", theirs)
		}
	}
}

func TestInstallForAUser(t *testing.T) {
	home := t.TempDir()
	o := Options{Engine: Podman, UserConfig: home, Programs: programs(t), CollectTimeout: time.Minute}
	files := apply(t, o)
	if len(files) != 4 {
		t.Fatalf("%v", files)
	}
	hooks := filepath.Join(home, "containers/oci/hooks.d")
	text := read(t, filepath.Join(hooks, "casview-poststop.json"))
	if !strings.Contains(text, filepath.Join(home, "casview/config.toml")) || !strings.Contains(text, filepath.Join(o.Programs, "casview-hook")) {
		t.Errorf("%s", text)
	}
	conf := read(t, filepath.Join(home, "containers/containers.conf.d/casview.conf"))
	if !strings.Contains(conf, `"`+hooks+`"]`) || !strings.Contains(conf, SystemHooks) {
		t.Errorf("%s", conf)
	}
	if files := removeAll(t, o); len(files) != 4 || !slices.Equal(actions(files), []Action{Remove}) {
		t.Errorf("removal %v", files)
	}
}

// A symlink of the other system, absolute as it sees it, stays inside of its root folder.
func TestSymlinksOfTheOtherRoot(t *testing.T) {
	o := options(t)
	if err := os.Symlink("/etc", filepath.Join(o.Root, "usr")); err != nil {
		t.Fatal(err)
	}
	for _, f := range apply(t, o) {
		if !strings.HasPrefix(f.Path, o.Root+"/etc/") {
			t.Errorf("%s", f.Path)
		}
	}
}

// A file that is switched off by a symlink stays off.
func TestMaskedFile(t *testing.T) {
	for _, target := range []string{"/dev/null", "nowhere"} {
		o := options(t)
		o.Root = ""
		o.HooksDir = t.TempDir()
		o.Config = filepath.Join(t.TempDir(), "config.toml")
		path := filepath.Join(o.HooksDir, "casview-poststop.json")
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), path+": is ") {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	cases := []struct {
		name string
		edit func(*Options)
		want string
	}{
		{"unknown engine", func(o *Options) { o.Engine = "lxc" }, `engine "lxc"`},
		{"no engine", func(o *Options) { o.Engine = "" }, `engine ""`},
		{"relative root", func(o *Options) { o.Root = "host" }, `"host": is not an absolute path`},
		{"relative config", func(o *Options) { o.Config = "c.toml" }, `"c.toml": is not an absolute path`},
		{"no programs", func(o *Options) { o.Programs = "" }, "not known"},
		{"program missing", func(o *Options) { os.Remove(filepath.Join(o.Programs, "casview-fsd")) }, "program casview-fsd is missing"},
		{"root and user", func(o *Options) { o.UserConfig = "/home/user/.config" }, "exclude each other"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := options(t)
			c.edit(&o)
			if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func umask(t *testing.T, mask int) int {
	t.Helper()
	return unix.Umask(mask)
}
