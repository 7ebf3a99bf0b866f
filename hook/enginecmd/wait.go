package enginecmd

import (
	"os"
	"strconv"
	"strings"
)

// Wait is a command that ends when a container ends.
type Wait struct {
	Argv []string
	// Prints: it prints the job's exit code, and its own says whether that went well. Else its own is the job's, and what it
	// prints is the job's output.
	Prints bool
	// complaint begins the last line on stderr of a command that has failed and does not print.
	complaint string
}

// ExitCode is the job's exit code, from how the command has ended and what it has printed. ok is false when that tells
// none. A podman that finds no exit code prints -1.
func (w Wait) ExitCode(ended *os.ProcessState, stdout, stderr string) (code int, ok bool) {
	if ended == nil || !ended.Exited() {
		return 0, false
	}
	if w.Prints {
		code, err := strconv.Atoi(strings.TrimSpace(stdout))
		return code, err == nil && code >= 0 && ended.Success()
	}
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	return ended.ExitCode(), !strings.HasPrefix(lines[len(lines)-1], w.complaint) || ended.Success()
}

// Wait is for a detached container, named by its id.
func (c Command) Wait(id string) Wait { return c.engine.wait(c, id) }

// IDFile is where the id of a container is that is for the caller to remove, "" if there is none to remove.
func (c Command) IDFile() string {
	if !c.removes {
		return ""
	}
	return c.trace
}

// Remove is the command that removes a container, with force also one that has not ended.
func (c Command) Remove(id string, force bool) []string {
	if force {
		return c.instead("rm", "--force", "--volumes", id)
	}
	return c.instead("rm", "--volumes", id)
}

func waitPrints(c Command, id string) Wait { return Wait{Argv: c.instead("wait", id), Prints: true} }

// waitAttached is for ctr, which has no wait, and tells an exit code only to who is attached. Attaching also takes the
// job's output out of its pipes, which would fill up, and deletes the ended task, which would keep its name.
func waitAttached(c Command, id string) Wait {
	return Wait{Argv: c.instead("tasks", "attach", id), complaint: "ctr: "}
}
