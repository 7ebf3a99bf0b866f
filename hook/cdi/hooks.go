package cdi

import (
	cdi "tags.cncf.io/container-device-interface/specs-go"

	"github.com/casview/casview/hook/spec"
)

// HooksDevice is the device that gives a container casview's hooks and nothing else: for engines that have CDI
// and no folder of hooks. What the container gets its annotations say.
const HooksDevice = hooksKind + "=" + hooksName

const (
	hooksKind = "casview.io/hooks"
	hooksName = "on"
)

// HooksFile is the name of its file in a folder of specs.
const HooksFile = "casview.io-hooks.json"

// EncodeHooks is the CDI spec of that device.
func EncodeHooks(p spec.Program) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return encode(hooksKind, hooksName, []*cdi.Hook{
		edit(spec.CreateRuntime, p.Hook(spec.CreateRuntime)),
		edit(spec.Poststop, p.Hook(spec.Poststop)),
	})
}
