package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// maxState bounds what is read from stdin, in bytes. Real states have a few kilobytes: the id and the annotations.
const maxState = 1 << 20

// maxID is far above the longest id that an engine makes.
const maxID = 1024

// State is the OCI container state that a runtime writes to a hook's stdin. Status is not looked at: in createRuntime runc
// says "creating" and crun "created".
type State struct {
	specs.State
	// Root is the container's root filesystem. Only crun says it.
	Root string `json:"root"`
}

// Read reads and checks a state. An error is one line, whatever was on stdin.
func Read(in io.Reader) (State, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxState+1))
	switch {
	case err != nil:
		return State{}, fmt.Errorf("container state on stdin: %w", err)
	case len(b) > maxState:
		return State{}, fmt.Errorf("container state on stdin: larger than %d KiB", maxState>>10)
	case len(b) == 0:
		return State{}, errors.New("container state on stdin: empty (casview-hook is started by a container runtime)")
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fmt.Errorf("container state on stdin (%d bytes): %w", len(b), err)
	}
	return s, s.check()
}

func (s State) check() error {
	switch {
	case s.ID == "":
		return errors.New("container state on stdin: has no id")
	case len(s.ID) > maxID || strings.ContainsAny(s.ID, "/\x00\n"):
		return fmt.Errorf("container state on stdin: id %.80q is not valid", s.ID)
	case s.Pid < 0:
		return fmt.Errorf("container state on stdin: pid %d is not valid", s.Pid)
	}
	return nil
}
