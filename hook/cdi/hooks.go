package cdi

import (
	cdi "tags.cncf.io/container-device-interface/specs-go"

	"github.com/casview/casview/hook/spec"
)

// HooksKind and HooksName are the device that gives a container casview's hooks and nothing else: for engines that have CDI
// and no folder of hooks. What the container gets its annotations say.
const (
	HooksKind = "casview.io/hooks"
	HooksName = "on"
)

// HooksFile is the name of its file in a folder of specs.
const HooksFile = "casview.io-hooks.json"

// EncodeHooks is the CDI spec of that device.
func EncodeHooks(p spec.Program) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return encode(HooksKind, HooksName, []*cdi.Hook{
		edit(spec.CreateRuntime, p.Hook(spec.CreateRuntime)),
		edit(spec.Poststop, p.Hook(spec.Poststop)),
	})
}

// IsHooks tells whether casview wrote a file with EncodeHooks, and nobody has added anything.
func IsHooks(text []byte) bool {
	name, hooks, ok := decode(text, HooksKind)
	return ok && name == HooksName && len(hooks) == 2
}
