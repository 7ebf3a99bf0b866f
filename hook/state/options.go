package state

import (
	"fmt"
	"strings"
)

// Options of casview-hook by which an administrator says what a container gets, in place of annotations. There is none for
// the run's name: one file that an engine reads, like a CDI spec, serves many containers.
const (
	InputsOption  = "--inputs"
	TargetOption  = "--target"
	OutputsOption = "--outputs"
)

// Options are the values of those options; "" for one that is not given.
type Options struct{ Inputs, Target, Outputs string }

// Options is the request, but for the run's name, as options.
func (r Request) Options() (Options, error) {
	o := Options{Inputs: r.Inputs.String(), Target: r.Target}
	var err error
	if len(r.Outputs) > 0 {
		o.Outputs, err = encodeOutputs(r.Outputs)
	}
	if err == nil {
		_, _, err = o.Request()
	}
	return o, err
}

// Request reads the options. given is false where there are none; an error names the option.
func (o Options) Request() (r Request, given bool, err error) {
	for _, v := range []struct{ option, key, value string }{
		{InputsOption, Inputs, o.Inputs}, {TargetOption, Target, o.Target}, {OutputsOption, Outputs, o.Outputs},
	} {
		if v.value == "" {
			continue
		}
		given = true
		if err := r.set(v.key, v.value); err != nil {
			return Request{}, true, fmt.Errorf("%s: %w", v.option, err)
		}
	}
	if given && r.Inputs.IsZero() {
		return Request{}, true, fmt.Errorf("%s and %s need %s", TargetOption, OutputsOption, InputsOption)
	}
	return r, given, nil
}

// Args are the options as they stand on the command line.
func (o Options) Args() []string {
	var args []string
	for _, v := range [][2]string{{InputsOption, o.Inputs}, {TargetOption, o.Target}, {OutputsOption, o.Outputs}} {
		if v[1] != "" {
			args = append(args, v[0], v[1])
		}
	}
	return args
}

// WithInputs tells whether a hook's arguments name inputs.
func WithInputs(args []string) bool {
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if name == InputsOption || name == InputsOption[1:] {
			return true
		}
	}
	return false
}
