package containerdopts

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/hook/state"
)

func generate(t *testing.T, opts ...oci.SpecOpts) (*specs.Spec, error) {
	t.Helper()
	ctx := namespaces.WithNamespace(context.Background(), "casview")
	return oci.GenerateSpec(ctx, nil, &containers.Container{ID: "job"}, opts...)
}

func view() View {
	return View{Inputs: cas.Sum(digest.SHA256, nil), Target: "/src", Run: "build-17", Outputs: []string{"out/**"}, Hook: "/usr/local/bin/casview-hook"}
}

func TestWithView(t *testing.T) {
	other := specs.Hook{Path: "/other"}
	before := func(_ context.Context, _ oci.Client, _ *containers.Container, s *specs.Spec) error {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{other}}
		return nil
	}
	old := view()
	old.Hook, old.Target = "/old/casview-hook", "/work"
	s, err := generate(t, oci.WithAnnotations(map[string]string{"a": "b"}), before, WithView(old), WithView(view()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"a": "b", state.Inputs: view().Inputs.String(), state.Target: "/src", state.Run: "build-17", state.Outputs: `["out/**"]`,
	}
	if !maps.Equal(s.Annotations, want) {
		t.Errorf("annotations %v", s.Annotations)
	}
	create, stop := s.Hooks.CreateRuntime, s.Hooks.Poststop
	if len(create) != 2 || create[0].Path != "/other" || create[1].Path != "/usr/local/bin/casview-hook" || create[1].Args[1] != "createRuntime" {
		t.Errorf("createRuntime %+v", create)
	}
	if len(stop) != 1 || stop[0].Args[1] != "poststop" || *stop[0].Timeout != 930 {
		t.Errorf("poststop %+v", stop)
	}
}

func TestWithViewRefuses(t *testing.T) {
	cases := []struct {
		name string
		edit func(*View)
		want string
	}{
		{"no inputs", func(v *View) { v.Inputs = digest.Digest{} }, state.Inputs},
		{"relative hook", func(v *View) { v.Hook = "casview-hook" }, "absolute"},
		{"relative config", func(v *View) { v.Config = "c.toml" }, "absolute"},
		{"bad run", func(v *View) { v.Run = "a/b" }, "run name"},
		{"bad target", func(v *View) { v.Target = "src" }, state.Target},
		{"bad glob", func(v *View) { v.Outputs = []string{"["} }, state.Outputs},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := view()
			c.edit(&v)
			if _, err := generate(t, WithView(v)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
