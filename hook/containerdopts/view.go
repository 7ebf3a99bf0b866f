package containerdopts

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/spec"
	"github.com/casview/casview/hook/state"
)

// View is the view that a container shall have. Inputs and Hook are required.
type View struct {
	// Inputs is the root digest that `casview ingest` printed.
	Inputs digest.Digest
	// Target is the view's place in the container; "" is the configured one.
	Target string
	// Run is the name under which the result is found; "" is the container's id.
	Run string
	// Outputs are globs of the outputs to store; none means all.
	Outputs []string
	// Hook is the absolute path of casview-hook on containerd's host, Config that of its configuration or "" for the
	// default one.
	Hook, Config string
	// CollectTimeout is collect.timeout of that configuration. Zero means five minutes, the default.
	CollectTimeout time.Duration
}

const defaultCollectTimeout = 5 * time.Minute

// WithView adds casview's hooks and annotations to a container's specification, in the place of earlier ones. Options that
// come later and set Hooks or Annotations whole take them away again, so put it last. A View with bad values is an error
// when the specification is made.
func WithView(v View) oci.SpecOpts {
	return func(_ context.Context, _ oci.Client, _ *containers.Container, s *specs.Spec) error {
		annotations, err := v.annotations()
		if err != nil {
			return fmt.Errorf("casview: %w", err)
		}
		program := spec.Program{Path: v.Hook, Config: v.Config, CollectTimeout: v.CollectTimeout}
		if program.CollectTimeout == 0 {
			program.CollectTimeout = defaultCollectTimeout
		}
		if err := program.Check(); err != nil {
			return fmt.Errorf("casview: %w", err)
		}
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		maps.DeleteFunc(s.Annotations, func(key, _ string) bool { return strings.HasPrefix(key, state.Prefix) })
		maps.Copy(s.Annotations, annotations)
		if s.Hooks == nil {
			s.Hooks = &specs.Hooks{}
		}
		program.AddHooks(s.Hooks)
		return nil
	}
}

func (v View) annotations() (map[string]string, error) {
	r := state.Request{Inputs: v.Inputs, Target: v.Target, Outputs: v.Outputs}
	if v.Run != "" {
		key, err := rundir.ParseRunKey(v.Run)
		if err != nil {
			return nil, err
		}
		r.Run = key
	}
	return r.Annotations()
}
