package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// Task is one thing to do: exactly one of the fields is set.
type Task struct {
	Read    *Read    `json:"read,omitempty"`
	Walk    *Walk    `json:"walk,omitempty"`
	Large   *Large   `json:"large,omitempty"`
	Files   *Files   `json:"files,omitempty"`
	Append  *Append  `json:"append,omitempty"`
	Write   *Write   `json:"write,omitempty"`
	Command *Command `json:"command,omitempty"`
	Digest  *Digest  `json:"digest,omitempty"`
}

type runner interface{ run(*Report) error }

func (t Task) runner() (runner, error) {
	var all []runner
	add := func(set bool, r runner) {
		if set {
			all = append(all, r)
		}
	}
	add(t.Read != nil, t.Read)
	add(t.Walk != nil, t.Walk)
	add(t.Large != nil, t.Large)
	add(t.Files != nil, t.Files)
	add(t.Append != nil, t.Append)
	add(t.Write != nil, t.Write)
	add(t.Command != nil, t.Command)
	add(t.Digest != nil, t.Digest)
	if len(all) != 1 {
		return nil, fmt.Errorf("a task is %d things", len(all))
	}
	return all[0], nil
}

// Args are the arguments for Main that make it do tasks.
func Args(tasks []Task) ([]string, error) {
	b, err := json.Marshal(tasks)
	return []string{string(b)}, err
}

// Main does tasks in the working directory, one after another, and writes the report.
func Main(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("want one argument")
	}
	var tasks []Task
	if err := json.Unmarshal([]byte(args[0]), &tasks); err != nil {
		return fmt.Errorf("tasks: %w", err)
	}
	// Nothing of the Go runtime's may come between two system calls.
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	r := Report{Steps: map[string]float64{}, Notes: map[string]string{}}
	for i, t := range tasks {
		run, err := t.runner()
		if err == nil {
			err = run.run(&r)
		}
		if err != nil {
			return fmt.Errorf("task %d: %w", i+1, err)
		}
	}
	return json.NewEncoder(out).Encode(r)
}

// Environment is what a process that calls Main needs: without it the Go runtime sends itself signals, and each one that
// meets a FUSE request makes an INTERRUPT of it.
const Environment = "GODEBUG=asyncpreemptoff=1"
