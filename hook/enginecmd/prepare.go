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
	// IDFile is a path at which there is nothing, for the id of a container that is the caller's to remove.
	IDFile string
}

// Prepare returns the command line of a container that asks for a view. It may ask the engine what it can do. An error is
// one line that says what to change: the container would run without the view.
//
// A detached container that would remove itself stays, since its exit code would go with it: see Remove. An engine that
// refuses the two options together says so itself.
func (c Command) Prepare(ctx context.Context, r Request) (Command, error) {
	if c.Detached() && c.isOn("rm") && !c.engine.keeps {
		c = c.without("rm").identified(r.IDFile)
	}
	return c.engine.prepare(ctx, c, r)
}

// identified lets the engine write the container's id into a file, if the caller does not have it do so.
func (c Command) identified(file string) Command {
	o, given := c.last("cidfile")
	if !given {
		c = c.with("--cidfile", file)
		o.value = file
	}
	c.idFile = o.value
	return c
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
