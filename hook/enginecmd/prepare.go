package enginecmd

import (
	"context"
	"slices"
	"strings"
)

// Request is what a container is to ask of casview.
type Request struct {
	Annotations []Annotation
	// AcceptEnv is policy.accept_env: the annotations may also come as variables of the container's environment.
	AcceptEnv bool
	// Runtime is the path of casview-runtime, "" where it is not installed.
	Runtime string
	// TraceFile is a path in a folder with nothing else in it, for what the engine leaves of the container: see Trace.
	TraceFile string
}

// Prepare returns the command line of a container that asks for a view. It may ask the engine what it can do. An error is
// one line that says what to change: the container would run without the view.
//
// A detached container that would remove itself stays, since its exit code would go with it: see Remove. An engine that
// refuses the two options together says so itself.
func (c Command) Prepare(ctx context.Context, r Request) (Command, error) {
	if c.Detached() && c.isOn("rm") && !c.engine.keeps {
		c = c.without("rm")
		c.removes = true
	}
	c = c.traced(r.TraceFile)
	return c.engine.prepare(ctx, c, r)
}

// without leaves a switch out.
func (c Command) without(name string) Command {
	for _, o := range slices.Backward(c.options) {
		if o.name == name && o.alone {
			c.argv = slices.Delete(slices.Clone(c.argv), o.from, o.to)
		}
	}
	c.options = c.engine.options.read(c.argv, c.insert)
	return c
}

// prepareAnnotated is for an engine that finds the hooks by itself.
func prepareAnnotated(ctx context.Context, c Command, r Request) (Command, error) {
	quoting := Plain
	if needsQuoting(r.Annotations) {
		quoting = c.quoting(ctx)
	}
	return c.annotate(r.Annotations, quoting), nil
}

// prepareWrapped is for an engine whose containers get the hooks from casview-runtime, named in the command. Without that
// program they may still come from the container's own configuration (`ctr run --config`).
func prepareWrapped(_ context.Context, c Command, r Request) (Command, error) {
	_, given := c.last(strings.TrimPrefix(c.engine.runtime, "--"))
	_, other := c.last("runtime")
	if r.Runtime != "" && !given && !other {
		c = c.with(c.engine.runtime, r.Runtime)
	}
	return c.annotate(r.Annotations, Plain), nil
}
