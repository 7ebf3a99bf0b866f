package cdi

import (
	"errors"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	cdi "tags.cncf.io/container-device-interface/specs-go"

	"github.com/casview/casview/hook/spec"
	"github.com/casview/casview/hook/state"
)

// Kind is the kind of all devices that are input sets: vendor and class.
const Kind = "casview.io/inputs"

// Device is an input set that containers are given by name.
type Device struct {
	Name Name
	// Request is what a container with the device gets. It has no run name: any number of containers have the device.
	Request state.Request
	// Program is the hook that gives it.
	Program spec.Program
}

// QualifiedName is what an engine's --device takes.
func (d Device) QualifiedName() string { return Kind + "=" + string(d.Name) }

// Encode is the CDI spec with this device alone, as a file holds it.
func (d Device) Encode() ([]byte, error) {
	if d.Request.Run != "" {
		return nil, errors.New("a device has no run name")
	}
	hooks, err := d.hooks()
	if err != nil {
		return nil, err
	}
	return encode(Kind, string(d.Name), hooks)
}

// hooks are those of every other container, but for the options that say what the container gets.
func (d Device) hooks() ([]*cdi.Hook, error) {
	if err := d.Program.Check(); err != nil {
		return nil, err
	}
	options, err := d.Request.Options()
	if err != nil {
		return nil, err
	}
	create := d.Program.Hook(spec.CreateRuntime)
	create.Args = slices.Insert(create.Args, len(create.Args)-1, options.Args()...)
	return []*cdi.Hook{
		edit(spec.CreateRuntime, create),
		edit(spec.Poststop, d.Program.Hook(spec.Poststop)),
	}, nil
}

// edit is a hook as CDI writes it.
func edit(stage spec.Stage, h specs.Hook) *cdi.Hook {
	return &cdi.Hook{HookName: string(stage), Path: h.Path, Args: h.Args, Env: h.Env, Timeout: h.Timeout}
}

// Decode reads what Encode wrote, also of another version of casview. ok is false for anything else: a spec of somebody
// else, or one that has got more than hooks of casview's.
func Decode(text []byte) (d Device, ok bool) {
	name, hooks, ok := decode(text, Kind)
	if !ok || len(hooks) != 2 || hooks[0].HookName != string(spec.CreateRuntime) || hooks[1].HookName != string(spec.Poststop) {
		return d, false
	}
	var err error
	if d.Name, err = ParseName(name); err != nil {
		return d, false
	}
	d.Program.Path = hooks[0].Path
	var options state.Options
	d.Program.Config, options = readArgs(hooks[0].Args)
	var given bool
	d.Request, given, err = options.Request()
	return d, err == nil && given
}

// readArgs takes the options from a hook's arguments.
func readArgs(args []string) (config string, o state.Options) {
	to := map[string]*string{
		spec.ConfigOption: &config, state.InputsOption: &o.Inputs, state.TargetOption: &o.Target, state.OutputsOption: &o.Outputs,
	}
	for i := 1; i+1 < len(args); i += 2 {
		if value, ok := to[args[i]]; ok {
			*value = args[i+1]
		}
	}
	return config, o
}
