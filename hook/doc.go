// Package hook owns casview's part in a container's life: Create gives a container its view before its process starts, and
// Poststop waits for the result after it has ended. Both are called once per process, with the OCI state on stdin.
package hook

import (
	"time"

	"github.com/casview/casview/hook/state"
)

// Env is what the hook takes from its own process.
type Env struct {
	// FSD is the path of casview-fsd.
	FSD string
	// Dir is the working directory: runtimes start hooks in the bundle.
	Dir string
	// Started is when the process began its work.
	Started time.Time
	// Request is what the options of the hook give every container that it is called for; nil without any. Whoever wrote the
	// hook into the engine's files wrote them, so they count for more than what a container says of itself.
	Request *state.Request
}

const (
	// readyTimeout bounds the daemon's start, which takes about ten milliseconds.
	readyTimeout = 10 * time.Second
	// lockTimeout bounds the wait for other hooks on the same host, which are in and out within a millisecond.
	lockTimeout = 10 * time.Second
	// stopTimeout bounds how long a daemon that is told to collect a view in use may take to begin.
	stopTimeout = 10 * time.Second
)
