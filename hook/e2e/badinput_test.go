package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// wantLine fails the test unless stderr holds a line of casview's with all the words.
func wantLine(t *testing.T, stderr string, words ...string) {
	t.Helper()
	for line := range strings.Lines(stderr) {
		_, message, ok := strings.Cut(line, "casview: ")
		if ok && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(message, w) }) {
			return
		}
	}
	t.Errorf("stderr has no line of casview's with %q: %q", words, stderr)
}

// TestBadInput: the container does not run, one line says why, and nothing is left.
func TestBadInput(t *testing.T) {
	good := []file{{path: "in", content: "in\n"}}
	for _, c := range []struct {
		name  string
		setup setup
		// prepare changes the site or the root filesystem, and returns what it changes of the job.
		prepare func(t *testing.T, r *bundleRuntime, j *job)
		words   []string
	}{
		{"UnknownAnnotation", nil, func(_ *testing.T, _ *bundleRuntime, j *job) {
			j.annotations = map[string]string{"io.casview.input": "x"}
		}, []string{"io.casview.input", "unknown"}},
		{"AnnotationsWithoutInputs", nil, func(_ *testing.T, _ *bundleRuntime, j *job) {
			j.edit = func(s *specs.Spec) { delete(s.Annotations, annInputs) }
		}, []string{annInputs}},
		{"BadDigest", nil, func(_ *testing.T, _ *bundleRuntime, j *job) { j.inputs = "sha256:abc" }, []string{annInputs, "abc"}},
		{"UnknownAlgorithm", nil, func(_ *testing.T, _ *bundleRuntime, j *job) { j.inputs = "md5:" + strings.Repeat("0", 32) }, []string{annInputs, "md5"}},
		{"RootNotInTheStore", nil, func(_ *testing.T, _ *bundleRuntime, j *job) { j.inputs = "sha256:" + strings.Repeat("7", 64) }, []string{strings.Repeat("7", 64)}},
		{"RootIsAFile", nil, func(t *testing.T, r *bundleRuntime, j *job) {
			o := r.place.casview(t, "tree", "ls", j.inputs)
			if o.code != 0 {
				t.Fatal(o.stderr)
			}
			// The file's content is no Directory message.
			j.inputs = "sha256:" + sha256Hex("in\n")
		}, []string{sha256Hex("in\n")}},
		{"RootDamaged", nil, func(t *testing.T, r *bundleRuntime, j *job) { damage(t, r.place.blob(j.inputs)) }, []string{"sha256:"}},
		{"TargetNotAllowed", nil, func(_ *testing.T, _ *bundleRuntime, j *job) { j.annotations = map[string]string{annTarget: "/etc"} }, []string{"/etc", "allowed_targets"}},
		{"TargetRelative", nil, func(_ *testing.T, _ *bundleRuntime, j *job) {
			j.annotations = map[string]string{annTarget: "workspace/../.."}
		}, []string{annTarget}},
		{"TargetIsASymlinkOut", nil, func(t *testing.T, r *bundleRuntime, _ *job) {
			must(t, os.Symlink("../../../../../../tmp", filepath.Join(r.image, "workspace")))
		}, []string{"/workspace", "symlink"}},
		{"TargetIsADanglingSymlink", nil, func(t *testing.T, r *bundleRuntime, _ *job) {
			must(t, os.Symlink("no/where", filepath.Join(r.image, "workspace")))
		}, []string{"/workspace", "symlink"}},
		{"TargetIsAFile", nil, func(t *testing.T, r *bundleRuntime, _ *job) {
			must(t, os.WriteFile(filepath.Join(r.image, "workspace"), nil, 0o644))
		}, []string{"/workspace", "not a directory"}},
		{"TargetLeadsThroughProc", nil, func(t *testing.T, r *bundleRuntime, _ *job) {
			must(t, os.Symlink("/proc/self/cwd", filepath.Join(r.image, "workspace")))
		}, []string{"/workspace"}},
		{"OutputsNoGlob", nil, func(_ *testing.T, _ *bundleRuntime, j *job) { j.annotations = map[string]string{annOutputs: `["[a"]`} }, []string{annOutputs, "glob"}},
		{"OutputsNoJSON", nil, func(_ *testing.T, _ *bundleRuntime, j *job) { j.annotations = map[string]string{annOutputs: "out"} }, []string{annOutputs}},
		{"ConfigUnknownKey", nil, func(t *testing.T, r *bundleRuntime, j *job) {
			j.edit = func(*specs.Spec) {
				r.place.configure(t, setup{"": fmt.Sprintf("# first\nstate = %q\nstat = 1\n", r.place.state)})
			}
		}, []string{"config.toml", "3", "stat"}},
		{"ConfigBadValue", nil, func(t *testing.T, r *bundleRuntime, j *job) {
			j.edit = func(*specs.Spec) { r.place.configure(t, setup{"collect": `timeout = "soon"`}) }
		}, []string{"config.toml", "soon"}},
		{"ConfigMissing", nil, func(t *testing.T, r *bundleRuntime, j *job) {
			j.edit = func(s *specs.Spec) {
				ourHooks(s, func(h *specs.Hook) { h.Args[slices.Index(h.Args, r.place.config)] = "/no/such/config.toml" })
			}
		}, []string{"/no/such/config.toml"}},
		{"DaemonMissing", nil, func(t *testing.T, r *bundleRuntime, j *job) {
			alone := filepath.Join(r.place.dir, "alone", "casview-hook")
			must(t, os.Mkdir(filepath.Dir(alone), 0o755))
			must(t, os.Link(filepath.Join(shared.bin, "casview-hook"), alone))
			j.edit = withHookPath(alone)
		}, []string{"casview-fsd"}},
		{"StoreIsAFile", nil, func(t *testing.T, r *bundleRuntime, _ *job) {
			must(t, os.Rename(filepath.Join(r.place.state, "store"), filepath.Join(r.place.dir, "old-store")))
			must(t, os.WriteFile(filepath.Join(r.place.state, "store"), nil, 0o644))
		}, []string{"store", "not a directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRunc(t, c.setup)
			j := sh(r.place.store(t, good...), unique("bad"), "echo the job ran")
			c.prepare(t, r, &j)
			wantRefused(t, r, r.command(t, j), c.words...)
		})
	}
}

// messages are the different things that casview says on a runtime's stderr. runc shows a hook's stderr quoted in a message
// of its own, and shows that of poststop, too.
func messages(stderr string) []string {
	var all []string
	for line := range strings.Lines(stderr) {
		if _, message, ok := strings.Cut(line, "casview: "); ok {
			message, _, _ = strings.Cut(message, `\n`)
			all = append(all, strings.TrimSpace(message))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// wantRefused runs a container that must not start.
func wantRefused(t *testing.T, r *bundleRuntime, cmd *exec.Cmd, words ...string) {
	t.Helper()
	before := names(t, r.image)
	o := run(t, cmd)
	if o.code == 0 || strings.Contains(o.stdout, "the job ran") {
		t.Errorf("the job ran: exit %d, stdout %q", o.code, o.stdout)
	}
	wantLine(t, o.stderr, words...)
	if said := messages(o.stderr); len(said) != 1 {
		t.Errorf("casview says %q, expected one message", said)
	}
	r.place.noRuns(t)
	if after := names(t, r.image); !slices.Equal(before, after) {
		t.Errorf("the root filesystem held %q, now %q", before, after)
	}
	if m := mountsIn(func(line string) bool {
		return strings.Contains(line, r.place.dir) && strings.Contains(line, "casview")
	}); m != nil {
		t.Errorf("left behind: mounts %q", m)
	}
}

// A host without /dev/fuse.
func TestNoFuseDevice(t *testing.T) {
	r := newRunc(t, nil)
	j := sh(r.place.store(t, file{path: "in", content: "in\n"}), unique("nofuse"), "echo the job ran")
	const hide = `
		dev=$1; shift
		mount -t tmpfs dev "$dev"
		for d in null zero full random urandom tty; do touch "$dev/$d"; mount --bind "/dev/$d" "$dev/$d"; done
		mkdir "$dev/pts" "$dev/shm"
		mount --rbind "$dev" /dev
		exec "$@"`
	dev := filepath.Join(r.place.dir, "dev")
	must(t, os.Mkdir(dev, 0o755))
	inner := r.command(t, j)
	cmd := exec.Command(find(t, "unshare"), append([]string{"--mount", "--propagation", "private", "/bin/sh", "-ec", hide, "sh", dev, inner.Path}, inner.Args[1:]...)...)
	wantRefused(t, r, cmd, "/dev/fuse")
}

// What comes on stdin is read with a bound, and refused when it is not whole.
func TestBadState(t *testing.T) {
	huge := `{"ociVersion":"1.0.2","id":"x","annotations":{"a":"` + strings.Repeat("x", 100<<20) + `"}}`
	for _, c := range []struct{ name, state string }{
		{"Truncated", `{"ociVersion":"1.0.2","id":"x","pid":1,"bund`},
		{"Empty", ""},
		{"Huge", huge},
		{"NoObject", `[1]`},
		{"NoID", `{"ociVersion":"1.0.2","status":"creating","pid":1,"bundle":"/"}`},
	} {
		for _, stage := range []string{"createRuntime", "prestart", "poststop"} {
			t.Run(c.name+"/"+stage, func(t *testing.T) {
				s := newSite(t, 0, nil)
				o := s.hook(t, stage, c.state)
				if o.code == 0 {
					t.Error("exit 0")
				}
				wantLine(t, o.stderr, "state")
				if strings.Count(o.stderr, "\n") != 1 || len(o.stderr) > 1000 {
					t.Errorf("stderr is not one clear line: %.1000q", o.stderr)
				}
				s.noRuns(t)
			})
		}
	}
}

func TestHookUsage(t *testing.T) {
	s := newSite(t, 0, nil)
	for _, stage := range []string{"createContainer", "start", ""} {
		if o := s.hook(t, stage, "{}"); o.code != 2 || o.stderr == "" {
			t.Errorf("stage %q: exit %d, stderr %q", stage, o.code, o.stderr)
		}
	}
}
