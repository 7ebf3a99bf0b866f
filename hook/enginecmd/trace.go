package enginecmd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Trace is what an engine has left of the container that a command asked for.
type Trace int

const (
	// Unknown: there was a container, and whether it started can't be found out.
	Unknown Trace = iota
	NoContainer
	NotStarted
	Started
)

// traces says how an engine leaves a trace.
type traces struct {
	// option of `run` takes the path of a file that the engine writes when it has made the container.
	option string
	// task: the file is written when the runtime has made the container, after its hooks, and not before. Else it holds
	// the container's id.
	task bool
	// forgets: the engine may remove the file with the container, as newer podmans do.
	forgets bool
	// events is the option by which the command `events` tells of the past alone; nil where there is no such command.
	events func() string
}

// untilNow is for docker. podman 4.3 finds nothing with --until.
func untilNow() string { return "--until=" + time.Now().Format(time.RFC3339Nano) }

func withoutStream() string { return "--stream=false" }

// untouched is the time of a folder that no engine has put a file into yet.
var untouched = time.Unix(0, 0)

// traced lets the engine write its trace into a file, if the caller does not have it do so.
func (c Command) traced(file string) Command {
	o, given := c.last(c.engine.traces.option)
	switch {
	case given:
		c.trace = o.value
	case file != "":
		_ = os.Chtimes(filepath.Dir(file), time.Time{}, untouched) // without it, it counts as touched
		c, c.trace, c.ownTrace = c.with("--"+c.engine.traces.option, file), file, true
	}
	return c
}

// Trace tells what became of the container of a command that has ended, and that was started at since.
func (c Command) Trace(ctx context.Context, since time.Time) Trace {
	fi, err := os.Stat(c.trace)
	switch {
	case c.trace == "":
		return Unknown
	case err != nil && c.forgotten():
		return Unknown
	case err != nil, fi.ModTime().Before(since.Truncate(time.Second)):
		return NoContainer
	case c.engine.traces.task:
		return Started
	}
	id, err := os.ReadFile(c.trace)
	if err != nil || c.engine.traces.events == nil {
		return Unknown
	}
	starts, err := c.ask(ctx, "events", c.engine.traces.events(), "--since", since.Format(time.RFC3339Nano),
		"--filter", "event=start", "--filter", "container="+strings.TrimSpace(string(id)))
	switch {
	case err != nil:
		return Unknown
	case starts == "":
		return NotStarted
	}
	return Started
}

// forgotten tells whether the file may have been there: a file of the caller's in a folder that others use, or one in a
// folder that has changed.
func (c Command) forgotten() bool {
	if !c.engine.traces.forgets {
		return false
	}
	fi, err := os.Stat(filepath.Dir(c.trace))
	return err != nil || !c.ownTrace || !fi.ModTime().Equal(untouched)
}
