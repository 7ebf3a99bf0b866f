package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/enginecmd"
	"github.com/casview/casview/hook/state"
)

// requestFlags are the options that say what a container asks of casview.
type requestFlags struct {
	target, run string
	outputs     []string
}

func (r *requestFlags) register(cmd *cobra.Command) {
	r.registerView(cmd)
	cmd.Flags().StringVar(&r.run, "run", "", "`NAME` of the run: letters, digits, '.', '_' and '-'")
}

// registerView adds the options that do not depend on the run.
func (r *requestFlags) registerView(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.target, "target", "", "absolute `PATH` of the view in the container (default: view.target)")
	cmd.Flags().StringArrayVar(&r.outputs, "output", nil, "store only outputs that match this `GLOB` (** crosses directories); may be repeated")
}

// check reports bad values as wrong usage, before anything is done.
func (r *requestFlags) check(cmd *cobra.Command) error {
	if r.run == "" && cmd.Flags().Changed("run") {
		return usagef(cmd, "--run is empty: is a shell variable unset?")
	}
	m, err := r.request(cas.Sum(cas.SHA256, nil), rundir.RunKey(r.run)).Annotations()
	if err == nil {
		_, _, err = state.ParseRequest(m)
	}
	if err != nil {
		return usagef(cmd, "%v", err)
	}
	return nil
}

// allowed asks the policy that the hook will ask: better now than when the container fails.
func (r *requestFlags) allowed(c config.Config) error {
	if r.target != "" && !c.View.TargetAllowed(r.target) {
		return fmt.Errorf("target %s: not in view.allowed_targets (%s)", r.target, strings.Join(c.View.AllowedTargets, ", "))
	}
	return nil
}

func (r *requestFlags) request(root cas.Digest, name rundir.RunKey) state.Request {
	return state.Request{Inputs: root, Target: r.target, Run: name, Outputs: r.outputs}
}

// annotations are for a run that always has a name, since without one its result could not be found.
func (r *requestFlags) annotations(root cas.Digest) ([]enginecmd.Annotation, rundir.RunKey, error) {
	name := rundir.RunKey(cmp.Or(r.run, "run-"+strings.ToLower(rundir.NewNonce())))
	m, err := r.request(root, name).Annotations()
	if err != nil {
		return nil, "", err
	}
	var out []enginecmd.Annotation
	for key, value := range m {
		out = append(out, enginecmd.Annotation{Key: key, Value: value})
	}
	slices.SortFunc(out, func(a, b enginecmd.Annotation) int { return cmp.Compare(a.Key, b.Key) })
	return out, name, nil
}
