package hook

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/state"
)

// readRequest says what the container gets. Options of the hook itself are the administrator's, and win. Without any it is
// what the container's annotations ask for, or where there are none and the policy allows it, the environment of its
// process.
func readRequest(env Env, s state.State, conf state.Config, cfg config.Config) (state.Request, bool, error) {
	annotations, err := state.MergeAnnotations(s, conf)
	if err != nil {
		return state.Request{}, true, err
	}
	if env.Request != nil {
		r, err := givenRequest(*env.Request, annotations, conf, cfg)
		return r, true, err
	}
	if state.PodSandbox(s, conf) {
		return state.Request{}, false, nil
	}
	if len(conf.HooksWithInputs()) > 0 {
		// The container has casview's hook twice: once from a file for all containers, like those of hooks.d, and once with
		// inputs of its own, from a CDI spec. That one sees to it.
		return state.Request{}, false, nil
	}
	if len(annotations) > 0 || !cfg.Policy.AcceptEnv {
		return state.ParseRequest(annotations)
	}
	request, asked, err := state.ParseRequest(state.FromEnvironment(conf))
	if err != nil {
		err = inEnvironment(err)
	}
	return request, asked, err
}

func inEnvironment(err error) error { return fmt.Errorf("CASVIEW_* in process.env: %w", err) }

// givenRequest is what the administrator gives, under the name that the container asks for. A container that asks for
// anything else gets nothing: one of the two is a mistake.
func givenRequest(
	given state.Request, annotations map[string]string, conf state.Config, cfg config.Config,
) (out state.Request, err error) {
	out = given
	if hooks := conf.HooksWithInputs(); len(hooks) > 1 {
		return out, fmt.Errorf("the container has %d hooks of casview with %s: it can have one set of inputs (%s)",
			len(hooks), state.InputsOption, strings.Join(hooks, "; "))
	}
	fill, err := given.Annotations()
	if err != nil {
		return out, err
	}
	compare := func(asked map[string]string) error {
		// What the container leaves out is as it is given.
		all := maps.Clone(fill)
		maps.Copy(all, asked)
		r, _, err := state.ParseRequest(all)
		out.Run = cmp.Or(out.Run, r.Run)
		if err != nil {
			return err
		}
		return sameRequest(r, given, cfg.View.Target)
	}
	if err := compare(annotations); err != nil {
		return out, err
	}
	if !cfg.Policy.AcceptEnv {
		return out, nil
	}
	if err := compare(state.FromEnvironment(conf)); err != nil {
		return out, inEnvironment(err)
	}
	return out, nil
}

// sameRequest compares what a container asks for with what it is given.
func sameRequest(asked, given state.Request, target string) error {
	outputs := func(r state.Request) string {
		if len(r.Outputs) == 0 {
			return "all"
		}
		return fmt.Sprintf("%q", r.Outputs)
	}
	for _, v := range []struct{ key, option, asked, given string }{
		{state.Inputs, state.InputsOption, asked.Inputs.String(), given.Inputs.String()},
		{state.Target, state.TargetOption, cmp.Or(asked.Target, target), cmp.Or(given.Target, target)},
		{state.Outputs, state.OutputsOption, outputs(asked), outputs(given)},
	} {
		if v.asked != v.given {
			return fmt.Errorf("%s: the container asks for %.128s, but the hook's own %s gives it %.128s: leave the container's out",
				v.key, v.asked, v.option, v.given)
		}
	}
	return nil
}
