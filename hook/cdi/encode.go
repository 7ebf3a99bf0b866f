package cdi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	cdi "tags.cncf.io/container-device-interface/specs-go"

	"github.com/casview/casview/hook/spec"
)

// encode writes a spec with one device whose edits are hooks. Its version is the lowest that has what it uses: engines
// refuse a version that they do not know.
func encode(kind, name string, hooks []*cdi.Hook) ([]byte, error) {
	s := specOf(kind, name, hooks)
	var err error
	if s.Version, err = cdi.MinimumRequiredVersion(s); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(s)
	return b.Bytes(), err
}

func specOf(kind, name string, hooks []*cdi.Hook) *cdi.Spec {
	return &cdi.Spec{Kind: kind, Devices: []cdi.Device{{Name: name, ContainerEdits: cdi.ContainerEdits{Hooks: hooks}}}}
}

// decode reads a spec of this kind that has what encode writes and nothing else. All its hooks are casview's.
func decode(text []byte, kind string) (name string, hooks []*cdi.Hook, ok bool) {
	var s cdi.Spec
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if dec.Decode(&s) != nil || len(s.Devices) != 1 {
		return "", nil, false
	}
	device := s.Devices[0]
	name, hooks = device.Name, device.ContainerEdits.Hooks
	plain := specOf(kind, name, hooks)
	plain.Version = s.Version
	foreign := func(h *cdi.Hook) bool { return h == nil || !spec.Ours(specs.Hook{Path: h.Path}) }
	return name, hooks, reflect.DeepEqual(*plain, s) && !slices.ContainsFunc(hooks, foreign)
}
