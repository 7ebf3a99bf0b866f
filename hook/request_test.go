package hook

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/state"
)

// given lets the world's hook have options, as a CDI spec gives it some, and puts that hook into the container.
func (c *container) given(r state.Request) {
	c.world.t.Helper()
	options, err := r.Options()
	must(c.world.t, err)
	c.world.env.Request = &r
	args := append(append([]string{state.HookName}, options.Args()...), "createRuntime")
	c.hooks = append(c.hooks, state.Hook{Path: "/usr/bin/" + state.HookName, Args: args})
}

// What the hook's options say holds for a container without a word of its own, and for one that says the same.
func TestHookWithOptions(t *testing.T) {
	other := func(w *world) state.Request {
		return state.Request{Inputs: w.inputs, Target: "/data/given", Outputs: []string{"out/**"}}
	}
	plain := func(w *world) state.Request { return state.Request{Inputs: w.inputs} }
	cases := []struct {
		name        string
		given       func(*world) state.Request
		annotations map[string]string
		env         []string // with policy.accept_env
		run         string
		target      string
	}{
		{"no annotations", plain, nil, nil, "job", "/workspace"},
		{"annotations of others", plain, map[string]string{"org.example": "x"}, nil, "job", "/workspace"},
		{"run name", plain, map[string]string{state.Run: "build-17"}, nil, "build-17", "/workspace"},
		{"the default target", plain, map[string]string{state.Target: "/workspace"}, nil, "job", "/workspace"},
		{"all of it", other, nil, nil, "job", "/data/given"},
		{"the same again", other, map[string]string{
			state.Inputs: "INPUTS", state.Target: "/data/given", state.Outputs: `[ "out/**" ]`, state.Run: "again",
		}, nil, "again", "/data/given"},
		{"run name in the environment", plain, nil, []string{"CASVIEW_RUN=by-env", "CASVIEW_INPUTS=INPUTS"}, "by-env", "/workspace"},
		{"annotation before environment", plain, map[string]string{state.Run: "one"}, []string{"CASVIEW_RUN=two"}, "one", "/workspace"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			job := w.container("job", t.TempDir())
			job.given(c.given(w))
			job.annotations = c.annotations
			if job.annotations[state.Inputs] != "" {
				job.annotations[state.Inputs] = w.inputs.String()
			}
			for _, pair := range c.env {
				w.cfg.Policy.AcceptEnv = true
				job.env = append(job.env, strings.Replace(pair, "INPUTS=INPUTS", "INPUTS="+w.inputs.String(), 1))
			}
			job.start(false)
			must(t, job.create())
			if !exists(job.inside(c.target + "/hello")) {
				t.Errorf("no view at %s", c.target)
			}
			job.stop()
			must(t, job.poststop())
			spec := w.run(rundir.RunKey(c.run)).Spec()
			if want := c.given(w); spec.InputsRoot != want.Inputs || len(spec.Outputs) != len(want.Outputs) || spec.Target != c.target {
				t.Errorf("run.json: %+v", spec)
			}
		})
	}
}

// A container that asks for anything else than it is given does not start, and both values are named.
func TestHookWithOptionsFailsClosed(t *testing.T) {
	another := cas.Sum(digest.SHA256, []byte("another")).String()
	cases := []struct {
		name string
		edit func(w *world, c *container)
		want []string
	}{
		{"other inputs", func(_ *world, c *container) { c.annotations = map[string]string{state.Inputs: another} },
			[]string{"io.casview.inputs", another, "INPUTS"}},
		{"other target", func(_ *world, c *container) { c.annotations = map[string]string{state.Target: "/data/mine"} },
			[]string{"io.casview.target", "/data/mine", "/workspace"}},
		{"outputs", func(_ *world, c *container) { c.annotations = map[string]string{state.Outputs: `["a"]`} },
			[]string{"io.casview.outputs", `["a"]`, "all"}},
		{"unknown key", func(_ *world, c *container) { c.annotations = map[string]string{"io.casview.input": another} },
			[]string{"annotation io.casview.input: unknown"}},
		{"bad run name", func(_ *world, c *container) { c.annotations = map[string]string{state.Run: "a/b"} },
			[]string{"annotation io.casview.run"}},
		{"other inputs in the environment", func(w *world, c *container) {
			w.cfg.Policy.AcceptEnv, c.env = true, []string{"CASVIEW_INPUTS=" + another}
		}, []string{"CASVIEW_* in process.env", another, "INPUTS"}},
		{"other inputs in the environment, beside an annotation", func(w *world, c *container) {
			w.cfg.Policy.AcceptEnv, c.env = true, []string{"CASVIEW_INPUTS=" + another}
			c.annotations = map[string]string{state.Run: "x"}
		}, []string{"CASVIEW_* in process.env", another, "INPUTS"}},
		{"target that the policy does not allow", func(_ *world, c *container) {
			c.hooks = nil
			c.given(state.Request{Inputs: c.world.inputs, Target: "/etc"})
		}, []string{"target /etc: is not in view.allowed_targets"}},
		{"two devices", func(_ *world, c *container) { c.given(state.Request{Inputs: c.world.inputs}) },
			[]string{"2 hooks of casview with --inputs", "one set of inputs"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			job := w.container("job", t.TempDir())
			job.annotations = nil
			job.given(state.Request{Inputs: w.inputs})
			c.edit(w, job)
			job.start(false)
			err := job.create()
			if err == nil {
				t.Fatal("the container starts")
			}
			for _, want := range c.want {
				if want == "INPUTS" {
					want = w.inputs.String()
				}
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %q", err, want)
				}
			}
			if why, _, err := w.runs().Refusal("job"); err != nil || !strings.Contains(why, c.want[0]) {
				t.Errorf("remembered %q, %v", why, err)
			}
			w.nothingKept()
			job.stop()
			must(t, job.poststop())
		})
	}
}

// A container that has the hook twice, with options by a CDI spec and without by hooks.d, gets one view, in whichever order
// they are called.
func TestHookWithAndWithoutOptions(t *testing.T) {
	for _, order := range []string{"with, without", "without, with"} {
		for _, annotations := range []map[string]string{nil, {state.Run: "named"}, {state.Inputs: "", state.Run: "named"}} {
			w := newWorld(t)
			job := w.container("job", t.TempDir())
			if _, ok := annotations[state.Inputs]; ok {
				annotations[state.Inputs] = w.inputs.String()
			}
			job.annotations = annotations
			w.cfg.Policy.AcceptEnv = true // then hooks.d's hook is called for every container
			job.given(state.Request{Inputs: w.inputs})
			job.hooks = append(job.hooks, state.Hook{Path: "/usr/bin/" + state.HookName, Args: []string{state.HookName, "createRuntime"}})
			job.start(false)
			options := w.env.Request
			for _, hook := range strings.Split(order, ", ") {
				w.env.Request = nil
				if hook == "with" {
					w.env.Request = options
				}
				must(t, job.create())
			}
			if !exists(job.inside("workspace/hello")) {
				t.Errorf("%s, annotations %v: no view", order, annotations)
			}
			if runs := names(t, filepath.Join(w.cfg.State, "runs")); len(runs) != 1 {
				t.Errorf("%s, annotations %v: runs %q", order, annotations, runs)
			}
			job.stop()
			must(t, job.poststop())
			must(t, job.poststop())
		}
	}
}

// An engine may know the same hook from two places, like hooks.d and the CDI device of casview install.
func TestTheSameHookTwice(t *testing.T) {
	w := newWorld(t)
	job := w.container("job", t.TempDir())
	job.start(false)
	must(t, job.create())
	must(t, job.create())
	if !exists(job.inside("workspace/hello")) || len(names(t, filepath.Join(w.cfg.State, "runs"))) != 1 {
		t.Error("no view, or two runs")
	}

	w.cfg.View.Target = "/data/other" // another configuration
	if err := job.create(); err == nil || !strings.Contains(err.Error(), "do not agree") || !strings.Contains(err.Error(), "/data/other") {
		t.Errorf("two hooks that do not agree: %v", err)
	}
	job.stop()
	must(t, job.poststop())
}

// A container that is started again has the id of the one before, and needs a view of its own.
func TestTheSameContainerAgain(t *testing.T) {
	w := newWorld(t)
	first, again := w.container("job", t.TempDir()), w.container("job", t.TempDir())
	first.start(false)
	must(t, first.create())
	again.start(false)
	if err := again.create(); err == nil || !strings.Contains(err.Error(), "live already") {
		t.Errorf("while the first one lives: %v", err)
	}
	first.stop()
	must(t, first.poststop())
	must(t, again.create())
	if !exists(again.inside("workspace/hello")) {
		t.Error("no view")
	}
	again.stop()
	must(t, again.poststop())
}
