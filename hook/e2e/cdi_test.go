package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	specsgo "github.com/opencontainers/runtime-spec/specs-go"
	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// A container needs no word of casview's: the device says it all, and the run has the container's id for a name.
func TestCDIDeviceAlone(t *testing.T) {
	for _, start := range []func(*testing.T, setup) engine{startPodmanCDI, startPodmanCDICrun} {
		c := start(t, setup{"view": `allowed_targets = ["/workspace", "/data/**"]`}).(*podmanCDI)
		s := c.place
		device := c.device(t, s.store(t, file{path: "in", content: "in\n"}), "--target", "/data/in", "--output", "out/**")
		for range 2 {
			before := names(t, filepath.Join(s.state, "runs"))
			o := succeed(t, c, job{options: []string{"--device", device},
				args: []string{"/bin/sh", "-ec", "cd /data/in; cat in; mkdir out; echo out > out/kept; echo tmp > tmp"}})
			if o.stdout != "in\n" {
				t.Errorf("the job printed %q", o.stdout)
			}
			name := newRun(t, s, before)
			r := s.complete(t, name)
			wantEntry(t, r, "out/kept", "file")
			if r.Container != name || r.Target != "/data/in" || len(r.Undeclared) != 1 {
				t.Errorf("container %s, target %s, undeclared %q", r.Container, r.Target, r.Undeclared)
			}
			nothingLeft(t, c, name)
		}
	}
}

func startPodmanCDICrun(t *testing.T, with setup) engine {
	t.Helper()
	c := withSpecs(t, newPodman(t, "crun", newSite(t, 0, with), plainCgroup2))
	c.forgetHooks(t)
	return c
}

// newRun is the one run that is not in before.
func newRun(t *testing.T, s *site, before []string) string {
	t.Helper()
	var found []string
	for _, name := range names(t, filepath.Join(s.state, "runs")) {
		if !strings.Contains(" "+strings.Join(before, " ")+" ", " "+name+" ") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		t.Fatalf("new runs: %q", found)
	}
	return found[0]
}

// Where hooks.d has casview's hook as well, a container with a device gets one view, whatever it says of itself that is no
// contradiction.
func TestCDIDeviceBesideHooksDir(t *testing.T) {
	c := withSpecs(t, newPodman(t, "runc", newSite(t, 0, setup{"policy": "accept_env = true"}), unwrapped))
	s := c.place
	root := s.store(t, file{path: "in", content: "in\n"})
	device := []string{"--device", c.device(t, root)}
	for name, j := range map[string]job{
		"nothing":            {},
		"the run's name":     {annotations: map[string]string{annRun: unique("beside")}},
		"the same inputs":    {annotations: map[string]string{annInputs: root, annTarget: "/workspace", annRun: unique("beside")}},
		"in the environment": {options: []string{"--env", "CASVIEW_INPUTS=" + root, "--env", "CASVIEW_RUN=" + unique("beside")}},
	} {
		before := names(t, filepath.Join(s.state, "runs"))
		j.options = append(j.options, device...)
		j.args = sh("", "", "cat in > out").args
		o := runJob(t, c.podman, j)
		if o.code != 0 {
			t.Errorf("%s: exit %d: %s", name, o.code, o.stderr)
			continue
		}
		run := newRun(t, s, before)
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, run)), "out")
		if want := j.annotations[annRun]; want != "" && run != want {
			t.Errorf("%s: run %s, expected %s", name, run, want)
		}
		nothingLeft(t, c, run)
	}
}

// What the administrator wrote and what the container says must agree, and a device that can't be given is no container.
func TestCDIFailsClosed(t *testing.T) {
	c := startPodmanCDI(t, nil).(*podmanCDI)
	s := c.place
	root, other := s.store(t, file{path: "in", content: "in\n"}), s.store(t, file{path: "in", content: "other\n"})
	for _, tc := range []struct {
		name string
		job  func(t *testing.T) job
		// said are words of one line of casview's; without any it is the engine that refuses, and names.
		said, names []string
	}{
		{name: "other inputs", job: func(t *testing.T) job {
			return job{inputs: root, annotations: map[string]string{annInputs: other}}
		}, said: []string{annInputs, root, other}},
		{name: "other target", job: func(t *testing.T) job {
			return job{inputs: root, annotations: map[string]string{annTarget: "/src"}}
		}, said: []string{annTarget, "/src", "/workspace"}},
		{name: "outputs", job: func(t *testing.T) job {
			// Quoted, since podman 4 reads annotations as CSV.
			return job{inputs: root, options: []string{"--annotation", `"io.casview.outputs=[""a""]"`}}
		}, said: []string{annOutputs, `["a"]`, "all"}},
		{name: "misspelled annotation", job: func(t *testing.T) job {
			return job{inputs: root, annotations: map[string]string{"io.casview.rum": "x"}}
		}, said: []string{"io.casview.rum", "unknown"}},
		{name: "two devices", job: func(t *testing.T) job {
			return job{inputs: root, options: []string{"--device", c.device(t, other)}}
		}, said: []string{"2 hooks of casview", root, other}},
		{name: "target that is not allowed", job: func(t *testing.T) job {
			device := c.device(t, root, "--target", "/src")
			c.editSpec(t, nameOf(device), `"/src"`, `"/etc"`)
			return job{options: []string{"--device", device}}
		}, said: []string{"/etc", "allowed_targets"}},
		{name: "unknown device", job: func(t *testing.T) job {
			return job{options: []string{"--device", "casview.io/inputs=unknown"}}
		}, names: []string{"casview.io/inputs=unknown"}},
		{name: "removed device", job: func(t *testing.T) job {
			device := c.device(t, root)
			if o := s.casview(t, "cdi", "--spec-dir", c.specs, "remove", nameOf(device)); o.code != 0 {
				t.Fatal(o.stderr)
			}
			return job{options: []string{"--device", device}}
		}, names: []string{"casview.io/inputs=set-"}},
		{name: "hook missing", job: func(t *testing.T) job {
			device := c.device(t, root)
			c.editSpec(t, nameOf(device), shared.bin+"/casview-hook", "/no/such/casview-hook")
			return job{options: []string{"--device", device}}
		}, names: []string{"/no/such/casview-hook"}},
		{name: "configuration missing", job: func(t *testing.T) job {
			device := c.device(t, root)
			c.editSpec(t, nameOf(device), s.config, "/no/such/config.toml")
			return job{options: []string{"--device", device}}
		}, said: []string{"/no/such/config.toml"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := tc.job(t)
			j.args = []string{"/bin/sh", "-c", "echo the job ran"}
			o := runJob(t, c, j)
			if o.code == 0 || strings.Contains(o.stdout, "ran") {
				t.Errorf("the job ran: exit %d, %q", o.code, o.stdout)
			}
			if len(tc.said) > 0 {
				wantLine(t, o.stderr, tc.said...)
			}
			for _, name := range tc.names {
				if !strings.Contains(o.stderr, name) {
					t.Errorf("stderr does not name %s: %q", name, o.stderr)
				}
			}
			s.noRuns(t)
			if exists(filepath.Join(c.image, "workspace")) {
				t.Error("left behind: /workspace in the root filesystem")
			}
		})
	}
}

func nameOf(device string) string {
	_, name, _ := strings.Cut(device, "=")
	return name
}

// An engine without a folder of hooks gets them from the device that casview install writes; the container says the rest.
func TestCDIHooksDevice(t *testing.T) {
	for _, alone := range []bool{true, false} {
		c := withSpecs(t, newPodman(t, "runc", newSite(t, 0, nil), unwrapped))
		if alone {
			c.forgetHooks(t)
		}
		s := c.place
		install := func(verb string) {
			if o := run(t, c.wrap(t, s.command("casview", "--config", s.config, verb, "--engine", "cdi"))); o.code != 0 {
				t.Fatalf("casview %s: exit %d: %s", verb, o.code, o.stderr)
			}
		}
		install("install")
		root, name := s.store(t, file{path: "in", content: "in\n"}), unique("hooks")
		j := sh(root, name, "cat in > out")
		j.options = []string{"--device", "casview.io/hooks=on"}
		if o := runJob(t, c.podman, j); o.code != 0 {
			t.Fatalf("exit %d: %s", o.code, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, c, name)

		install("uninstall")
		if left := names(t, c.specs); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// Engines that are not here, or are too old here to know CDI (Docker, containerd, CRI-O), let CDI's own library edit the
// container's configuration. That library, and containerd and runc, do with a device what they do there, also where
// casview-runtime stands before runc.
func TestCDIDeviceByTheLibrary(t *testing.T) {
	for _, start := range []func(*testing.T, setup) engine{startContainerd, startContainerdRuntime} {
		e := start(t, nil)
		s := e.site()
		specs := filepath.Join(s.dir, "cdi")
		root, name := s.store(t, file{path: "in", content: "in\n"}), unique("library")
		o := s.casview(t, "cdi", "--spec-dir", specs, "--inputs", root, "--name", "1st:set")
		if o.code != 0 {
			t.Fatal(o.stderr)
		}
		j := sh("", "", "cat in > out")
		j.edit = func(spec *specsgo.Spec) {
			spec.Hooks = nil
			inject(t, spec, specs, strings.TrimSpace(o.stdout))
			spec.Annotations = map[string]string{annRun: name}
		}
		if o := runJob(t, e, j); o.code != 0 {
			t.Fatalf("exit %d: %s", o.code, o.stderr)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, e, name)
	}
}

func inject(t *testing.T, spec *specsgo.Spec, specs, device string) {
	t.Helper()
	cache, err := cdi.NewCache(cdi.WithSpecDirs(specs), cdi.WithAutoRefresh(false))
	must(t, err)
	if left, err := cache.InjectDevices(spec, device); err != nil {
		t.Fatal(left, err, cache.GetErrors())
	}
}

func unwrapped(_ *testing.T, cmd *exec.Cmd) *exec.Cmd { return cmd }
