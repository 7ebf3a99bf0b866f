package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPipeline(t *testing.T) {
	work := tempDir(t)
	o := script{path: "ci/run", env: podmanEnv(t, tempDir(t)), work: work}.succeed(t)
	var said []string
	for line := range strings.Lines(o.stderr) {
		if step, ok := strings.CutPrefix(line, "step: "); ok {
			words := strings.SplitN(step, " ", 3)
			said = append(said, words[0]+" "+strings.Trim(words[1], ":\n"))
		}
	}
	wantList(t, "steps", said,
		"build: running", "build: done", "package: running", "package: done",
		"build: known", "package: known",
		"build: running", "build: done", "package: running", "package: done")
	if n := strings.Count(o.stdout, "built 3 pages"); n != 2 {
		t.Errorf("the build ran %d times, want 2", n)
	}
	if n := len(results(t, work)); n != 4 {
		t.Errorf("%d runs, want 4", n)
	}
	first, second := filepath.Join(work, "first"), filepath.Join(work, "second")
	for _, path := range []string{"out/index.html", "out/SUMS", "dist/site.tar"} {
		if a, b := sha256Of(t, filepath.Join(first, path)), sha256Of(t, filepath.Join(second, path)); a != b {
			t.Errorf("%s: %s when built, %s when known", path, a, b)
		}
	}
}

// ci is a place where examples/ci/step works.
type ci struct {
	dir string
	env []string
}

func newCI(t *testing.T) *ci {
	t.Helper()
	needHost(t)
	c := &ci{dir: tempDir(t)}
	config := writeFile(t, "state = \""+c.dir+"/state\"\n", c.dir, "config.toml")
	run(t, filepath.Join(shared.bin, "casview"), "--config", config, "install", "--engine", "podman", "--hooks-dir", c.dir+"/hooks.d")
	run(t, "bash", "-c", `. "$1"; make_rootfs "$2"`, "bash", "lib/bundle.sh", c.dir+"/rootfs")
	c.env = append(podmanEnv(t, tempDir(t)), "STEP_CONFIG="+config, "STEP_CACHE="+c.dir+"/steps", "STEP_ROOTFS="+c.dir+"/rootfs", "STEP_HOOKS_DIR="+c.dir+"/hooks.d")
	return c
}

// sources makes a directory with one file, named by its path.
func (c *ci) sources(t *testing.T, content string) string {
	t.Helper()
	dir, err := os.MkdirTemp(c.dir, "src")
	must(t, err)
	writeFile(t, content, dir, "in")
	return dir
}

// step runs `step ARGS... NAME DIR -- sh -c COMMAND`.
func (c *ci) step(t *testing.T, dir, command string, options ...string) outcome {
	t.Helper()
	return script{path: "ci/step", args: append(options, "s", dir, "--", "sh", "-c", command), env: c.env}.run(t)
}

func TestStepKeys(t *testing.T) {
	c := newCI(t)
	const ran, known = "step: s: running on ", "step: s: known: "
	c.step(t, c.sources(t, "a"), "cp in out").want(t, 0, ran)
	cases := []struct {
		name, content, command string
		options                []string
		want                   string
	}{
		{"the same", "a", "cp in out", nil, known},
		{"other content", "b", "cp in out", nil, ran},
		{"other command", "a", "cp  in out", nil, ran},
		{"other outputs", "a", "cp in out", []string{"--outputs", "out"}, ran},
		{"the same with outputs", "a", "cp in out", []string{"--outputs=out"}, known},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			dir := c.sources(t, k.content)
			c.step(t, dir, k.command, k.options...).want(t, 0, k.want)
			if got, err := os.ReadFile(filepath.Join(dir, "out")); string(got) != k.content {
				t.Errorf("out is %q, %v", got, err)
			}
		})
	}
	writeFile(t, "more", c.dir, "rootfs/etc/more")
	c.step(t, c.sources(t, "a"), "cp in out").want(t, 0, ran)
}

// A step that fails is never recorded, and leaves DIR as it was.
func TestStepFailures(t *testing.T) {
	c := newCI(t)
	cases := []struct {
		name, command string
		code          int
		want          string
	}{
		{"exit code", "echo half > out; exit 7", 7, "step: s: failed with 7"},
		{"killed", "echo half > out; sh -c 'kill -9 $$'; exit $?", 137, "step: s: failed with 137"},
		{"deleted inputs", "echo half > out; rm in", 125, `step: s: it deleted inputs: ["in"]`},
		{"no such command", "exec /nowhere", 127, "step: s: failed with 127"},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			dir := c.sources(t, "a")
			for range 2 {
				c.step(t, dir, k.command).want(t, k.code, k.want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("in DIR: %v, %v", left, err)
			}
		})
	}
}

// A record whose outputs the store has lost is worth nothing: the step runs again.
func TestStepWhoseOutputsAreGone(t *testing.T) {
	c := newCI(t)
	c.step(t, c.sources(t, "a"), "echo b > out").want(t, 0, "running")
	const b = "0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f" // of "b\n"
	must(t, os.Remove(filepath.Join(c.dir, "state/store/blobs/sha256", b[:2], b)))
	dir := c.sources(t, "a")
	c.step(t, dir, "echo b > out").want(t, 0, "running")
	if got, err := os.ReadFile(filepath.Join(dir, "out")); string(got) != "b\n" {
		t.Errorf("out is %q, %v", got, err)
	}
}

func TestStepDropsUndeclaredOutputs(t *testing.T) {
	c := newCI(t)
	dir := c.sources(t, "a")
	c.step(t, dir, "cp in out; cp in log", "--outputs", "out").want(t, 0, "step: s: left behind, because no --outputs matches: 1")
	if _, err := os.Stat(filepath.Join(dir, "log")); !os.IsNotExist(err) {
		t.Errorf("log: %v", err)
	}
}

func TestStepUsage(t *testing.T) {
	c := newCI(t)
	for _, args := range []string{"", "s", "s /tmp", "s /tmp true", "s /tmp --", "--outputs", "--frobnicate s /tmp -- true", "s /nowhere -- true"} {
		o := script{path: "ci/step", args: strings.Fields(args), env: c.env}.run(t)
		o.want(t, 2, "usage: step [--outputs GLOB]... NAME DIR -- COMMAND...")
	}
	o := script{path: "ci/step", args: []string{"s", c.dir, "--", "true"}}.run(t)
	o.want(t, 2, "neither STEP_IMAGE nor STEP_ROOTFS is set")
}

// Two pipelines come to one step at the same time: it runs once, and both have its outputs.
func TestStepTwiceAtOnce(t *testing.T) {
	c := newCI(t)
	first, second := c.sources(t, "a"), c.sources(t, "a")
	const both = `step=$1
for dir in "$2" "$3"; do "$step" s "$dir" -- sh -c 'sleep 1; date > out' & done
wait -n && wait -n`
	o := script{before: []string{"bash", "-c", both, "bash"}, path: "ci/step", args: []string{first, second}, env: c.env}.succeed(t)
	if strings.Count(o.stderr, "running on") != 1 || strings.Count(o.stderr, "known: ") != 1 {
		t.Errorf("stderr: %s", o.stderr)
	}
	if a, b := sha256Of(t, filepath.Join(first, "out")), sha256Of(t, filepath.Join(second, "out")); a != b {
		t.Errorf("outputs %s and %s", a, b)
	}
}
