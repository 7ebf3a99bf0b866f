package install

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testHost is a system to install onto: its files, by path.
type testHost struct {
	name   string
	engine Engine
	files  map[string]string
	edit   func(*Options)
	// made is what installing makes or changes besides programs and configuration.
	made []string
}

const (
	hookCreate = "/usr/share/containers/oci/hooks.d/casview-createRuntime.json"
	hookStop   = "/usr/share/containers/oci/hooks.d/casview-poststop.json"
	ctrdMain   = "/etc/containerd/config.toml"
	ctrdDropIn = "/etc/containerd/conf.d/casview.toml"
	daemonJSON = "/etc/docker/daemon.json"
)

func inPlace(o *Options) { o.InPlace = true }

func testHosts() []testHost {
	return []testHost{
		{name: "podman on an empty system", engine: Podman, made: []string{hookCreate, hookStop}},
		{name: "podman beside other hooks", engine: Podman, made: []string{hookCreate, hookStop},
			files: map[string]string{"/usr/share/containers/oci/hooks.d/other.json": "{}"}},
		{name: "CRI-O as it comes", engine: CRIO, made: []string{hookCreate, hookStop}, files: map[string]string{"/etc/crio/crio.conf": "[crio]\n"}},
		{name: "CRI-O that looks elsewhere", engine: CRIO, made: []string{hookCreate, hookStop, "/etc/crio/crio.conf.d/99-casview.conf"},
			files: map[string]string{"/etc/crio/crio.conf.d/00-default": "[crio.runtime]\nhooks_dir = [\"/etc/hooks.d\"]\n"}},
		{name: "CRI-O whose main file looks elsewhere", engine: CRIO, made: []string{hookCreate, hookStop, "/etc/crio/crio.conf.d/99-casview.conf"},
			files: map[string]string{"/etc/crio/crio.conf": "[crio.runtime]\nhooks_dir = [\"/etc/hooks.d\"]\n"}},
		{name: "containerd 1 without a configuration", engine: Containerd, made: []string{ctrdMain}},
		{name: "containerd 1", engine: Containerd, edit: inPlace, made: []string{ctrdMain, ctrdMain + backupSuffix},
			files: map[string]string{ctrdMain: "version = 2 # mine\n[plugins]\n  [plugins.\"io.containerd.grpc.v1.cri\"]\n    sandbox_image = \"mine\""}},
		{name: "containerd 1 with the first format", engine: Containerd, edit: inPlace, made: []string{ctrdMain, ctrdMain + backupSuffix},
			files: map[string]string{ctrdMain: "[plugins.cri]\nsandbox_image = \"mine\"\n"}},
		{name: "containerd without CRI", engine: Containerd, files: map[string]string{ctrdMain: "disabled_plugins = [\"cri\"]\n"}},
		{name: "containerd 2 with imports", engine: Containerd, made: []string{ctrdDropIn},
			files: map[string]string{ctrdMain: "version = 3\nimports = ['/etc/containerd/conf.d/*.toml']\n"}},
		{name: "containerd 2 without imports", engine: Containerd, edit: inPlace, made: []string{ctrdDropIn, ctrdMain, ctrdMain + backupSuffix},
			files: map[string]string{ctrdMain: "# mine\nversion = 3\n\n[debug]\n  level = \"info\"\n"}},
		{name: "containerd 2 with other imports", engine: Containerd, edit: inPlace, made: []string{ctrdDropIn, ctrdMain, ctrdMain + backupSuffix},
			files: map[string]string{ctrdMain: "version = 3\nimports = [ \"/x/*.toml\" ] # more\n"}},
		{name: "Docker without a daemon.json", engine: Docker, made: []string{daemonJSON}},
		{name: "Docker", engine: Docker, edit: inPlace, made: []string{daemonJSON, daemonJSON + backupSuffix},
			files: map[string]string{daemonJSON: "{\n\t\"log-opts\": {\"a\": \"b\"},  \"runtimes\": {\"x\": {\"path\": \"/x\"}}\n}"}},
		{name: "Docker in one line", engine: Docker, edit: inPlace, made: []string{daemonJSON, daemonJSON + backupSuffix},
			files: map[string]string{daemonJSON: `{"debug":true}`}},
		{name: "Docker with an empty file", engine: Docker, edit: inPlace, made: []string{daemonJSON, daemonJSON + backupSuffix},
			files: map[string]string{daemonJSON: ""}},
		{name: "all", engine: All, edit: inPlace, made: []string{hookCreate, hookStop, ctrdMain, ctrdMain + backupSuffix, daemonJSON},
			files: map[string]string{"/usr/bin/podman": "", "/usr/sbin/dockerd": "", ctrdMain: "version = 2\n"}},
	}
}

// start lays the host's files out.
func (h testHost) start(t *testing.T) Options {
	t.Helper()
	o := options(t)
	o.Engine = h.engine
	for path, text := range h.files {
		write(t, filepath.Join(o.Root, path), text)
	}
	if h.edit != nil {
		h.edit(&o)
	}
	return o
}

// tree is a line for each file below a directory: type, mode, inode, time and content.
func tree(t *testing.T, root string, skip ...string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(path, root), "/")
		line := fmt.Sprintf("%s %v", name, st.Mode())
		if d.Type().IsRegular() && !slices.Contains(skip, name) {
			line += fmt.Sprintf(" %v %q", st.ModTime(), read(t, path))
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// names are the files that stand in one tree and not in another, or differ.
func names(before, after []string) []string {
	var out []string
	for _, line := range after {
		if !slices.Contains(before, line) && !strings.Contains(line, " d") {
			out = append(out, strings.Fields(line)[0])
		}
	}
	return out
}

// Installing makes what it says, a second time nothing; uninstalling leaves the system byte for byte as it was.
func TestThereAndBack(t *testing.T) {
	for _, h := range testHosts() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			o := h.start(t)
			before := tree(t, o.Root)
			files := apply(t, o)
			if slices.Contains(actions(files), ByHand) {
				t.Errorf("left to the administrator: %v", files)
			}
			after := tree(t, o.Root)
			made := slices.DeleteFunc(names(before, after), func(name string) bool {
				return strings.HasPrefix(name, "/usr/local/bin/") || strings.HasPrefix(name, "/etc/casview/")
			})
			slices.Sort(made)
			if want := slices.Sorted(slices.Values(h.made)); !slices.Equal(made, want) {
				t.Errorf("made %q, want %q", made, want)
			}

			if got := actions(apply(t, o)); !slices.Equal(got, []Action{Keep}) {
				t.Errorf("again: %v", got)
			}
			if again := tree(t, o.Root); !slices.Equal(again, after) {
				t.Errorf("a second time it changed %q", names(after, again))
			}

			removeAll(t, o)
			if end := tree(t, o.Root); !slices.Equal(end, before) {
				t.Errorf("uninstall left\n%s\nof\n%s", strings.Join(end, "\n"), strings.Join(before, "\n"))
			}
		})
	}
}

// A plan alone changes nothing, nor does one that is left to the administrator change their file.
func TestPlansChangeNothing(t *testing.T) {
	for _, h := range testHosts() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			o := h.start(t)
			o.InPlace = false
			before := tree(t, o.Root)
			p, err := NewPlan(o)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range p.Files {
				_ = f.Detail()
			}
			if end := tree(t, o.Root); !slices.Equal(end, before) {
				t.Errorf("it changed %q", names(before, end))
			}
			if err := p.Apply(); err != nil {
				t.Fatal(err)
			}
			for path, text := range h.files {
				if read(t, filepath.Join(o.Root, path)) != text {
					t.Errorf("%s was changed without --in-place", path)
				}
			}
			edits := slices.ContainsFunc(h.made, func(name string) bool { return strings.HasSuffix(name, backupSuffix) })
			if incomplete := p.Incomplete() != nil; incomplete != edits {
				t.Errorf("incomplete: %v", p.Incomplete())
			}
		})
	}
}

// Whatever the umask, other users' engines can read the files.
func TestUmask(t *testing.T) {
	old := umask(t, 0o077)
	defer umask(t, old)
	o := testHosts()[3].start(t)
	// The test's own files before: only what casview makes counts.
	before := tree(t, o.Root)
	apply(t, o)
	for _, line := range tree(t, o.Root) {
		mode := strings.Fields(line)[1]
		if !slices.Contains(before, line) && mode != "drwxr-xr-x" && mode != "-rw-r--r--" && mode != "-rwxr-xr-x" {
			t.Errorf("%s %s", strings.Fields(line)[0], mode)
		}
	}
}

// An engine's files stay while another one needs them, and programs and configuration until the last one goes.
func TestEnginesShareFiles(t *testing.T) {
	o := options(t)
	before := tree(t, o.Root)
	for _, e := range []Engine{Podman, CRIO, Docker} {
		o.Engine = e
		apply(t, o)
	}
	has := func(path string, want bool) {
		t.Helper()
		if exists(filepath.Join(o.Root, path)) != want {
			t.Errorf("%s: expected %v", path, want)
		}
	}
	o.Engine = Podman
	for _, f := range removeAll(t, o) {
		if f.Action != Keep || !slices.Contains(f.For, "crio") {
			t.Errorf("%v for %v", f, f.For)
		}
	}
	has(hookCreate, true)
	has(daemonJSON, true)
	o.Engine = CRIO
	removeAll(t, o)
	has(hookCreate, false)
	has("/usr/share", false)
	has("/usr/local/bin/casview-hook", true)
	o.Engine = Docker
	removeAll(t, o)
	if end := tree(t, o.Root); !slices.Equal(end, before) {
		t.Errorf("left %q", names(before, end))
	}
}

// A directory that something else has moved into stays.
func TestDirectoriesInUseStay(t *testing.T) {
	o := options(t)
	apply(t, o)
	write(t, filepath.Join(o.Root, filepath.Dir(hookCreate), "theirs.json"), "{}")
	removeAll(t, o)
	var left []string
	for _, line := range tree(t, o.Root) {
		left = append(left, strings.Fields(line)[0])
	}
	if got := left[len(left)-1]; got != filepath.Join(filepath.Dir(hookCreate), "theirs.json") || exists(filepath.Join(o.Root, "etc")) {
		t.Errorf("left %q", left)
	}
}

// A user has no Docker of their own only because the host has one.
func TestAllOfAUser(t *testing.T) {
	o := options(t)
	o.Root, o.UserConfig, o.Engine = "", t.TempDir(), All
	t.Setenv("PATH", o.Programs)
	for _, name := range []string{"podman", "dockerd", "containerd"} {
		write(t, filepath.Join(o.Programs, name), "")
		if err := os.Chmod(filepath.Join(o.Programs, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	engines := func() string {
		t.Helper()
		p, err := NewPlan(o)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(p.Engines)
	}
	if got := engines(); got != "[podman]" {
		t.Errorf("engines %s", got)
	}
	write(t, filepath.Join(o.UserConfig, "systemd/user/docker.service"), "")
	write(t, filepath.Join(o.UserConfig, "containerd/config.toml"), "version = 3\n")
	if got := engines(); got != "[podman containerd docker]" {
		t.Errorf("engines %s", got)
	}
}

// A file that CRI-O reads later than casview's is the administrator's to change.
func TestCRIOWithALaterFile(t *testing.T) {
	o := options(t)
	o.Engine = CRIO
	path := filepath.Join(o.Root, "etc/crio/crio.conf.d/zz-mine")
	const theirs = "[crio.runtime]\nhooks_dir = [\"/etc/hooks.d\"]\n"
	write(t, path, theirs)
	o.InPlace = true
	files := apply(t, o)
	if last := files[len(files)-1]; last.Action != ByHand || last.Path != path || read(t, path) != theirs {
		t.Fatalf("%v", files)
	}
	write(t, path, files[len(files)-1].ByHand())
	if got := actions(apply(t, o)); !slices.Equal(got, []Action{Keep}) {
		t.Errorf("done by hand: %v", got)
	}
}

// A root folder that is missing is made, and is not the host's to remove.
func TestMissingRoot(t *testing.T) {
	o := options(t)
	o.Root = filepath.Join(o.Root, "new/root")
	apply(t, o)
	removeAll(t, o)
	if got := tree(t, o.Root); len(got) != 1 {
		t.Errorf("left %q", got)
	}
}

func TestAllSkips(t *testing.T) {
	o := options(t)
	o.Engine = All
	write(t, filepath.Join(o.Root, "usr/bin/podman"), "")
	p, err := NewPlan(o)
	if err != nil || !slices.Equal(p.Engines, []Engine{Podman}) || len(p.Skipped) != 4 {
		t.Fatalf("engines %v, skipped %v, %v", p.Engines, p.Skipped, err)
	}
	if want := "is not here: no crio, no /etc/crio"; p.Skipped[0].Engine != CRIO || p.Skipped[0].Why != want {
		t.Errorf("%+v", p.Skipped[0])
	}
	if err := os.Remove(filepath.Join(o.Root, "usr/bin/podman")); err != nil {
		t.Fatal(err)
	}
	if p, err := NewPlan(o); err != nil || len(p.Engines) != 0 {
		t.Errorf("engines %v, %v", p.Engines, err)
	}
}

// A configuration that pods can't be given leaves the other engines alone.
func TestAllWithAConfiguration(t *testing.T) {
	o := options(t)
	o.Engine, o.Config = All, "/etc/mine.toml"
	write(t, filepath.Join(o.Root, "usr/bin/containerd"), "")
	write(t, filepath.Join(o.Root, "usr/bin/dockerd"), "")
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Engines, []Engine{Docker}) {
		t.Errorf("engines %v", p.Engines)
	}
	if s := p.Skipped[2]; s.Engine != Containerd || !strings.Contains(s.Why, "can't name a configuration") {
		t.Errorf("skipped %+v", s)
	}
	o.Engine = Containerd
	if _, err := NewPlan(o); err == nil || !strings.Contains(err.Error(), "leave --config out") {
		t.Errorf("containerd alone: %v", err)
	}
}

// Where nothing is installed, it says why.
func TestContainerdWithoutCRI(t *testing.T) {
	o := options(t)
	o.Engine = Containerd
	write(t, filepath.Join(o.Root, ctrdMain), "disabled_plugins = [\"cri\"]\n")
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Skipped) != 1 || !strings.HasPrefix(p.Skipped[0].Why, ctrdMain+" disables the CRI plugin") {
		t.Errorf("skipped %+v", p.Skipped)
	}
}

// An engine is to be told of a change to its own configuration, and of no other.
func TestReload(t *testing.T) {
	want := map[string]string{
		"CRI-O that looks elsewhere": "systemctl restart crio", "CRI-O whose main file looks elsewhere": "systemctl restart crio",
		"all": "systemctl restart containerd, systemctl reload docker",
	}
	for _, h := range testHosts() {
		switch {
		case strings.HasPrefix(h.name, "containerd") && len(h.made) > 0:
			want[h.name] = "systemctl restart containerd"
		case strings.HasPrefix(h.name, "Docker"):
			want[h.name] = "systemctl reload docker"
		}
		o := h.start(t)
		for _, step := range []struct {
			name string
			plan func(Options) (*Plan, error)
			want string
		}{{"install", NewPlan, want[h.name]}, {"again", NewPlan, ""}, {"uninstall", NewRemoval, want[h.name]}} {
			p, err := step.plan(o)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(p.Reload, ", "); got != step.want {
				t.Errorf("%s, %s: %q, want %q", h.name, step.name, got, step.want)
			}
			if err := p.Apply(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
