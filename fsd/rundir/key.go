package rundir

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
)

// RunKey is a run's name, and the name of its directory. A value that came from ParseRunKey is safe as a path part.
type RunKey string

var runKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// ParseRunKey checks a name given by a caller.
func ParseRunKey(s string) (RunKey, error) {
	if !runKey.MatchString(s) {
		return "", fmt.Errorf("run name %q: must match %s", s, runKey)
	}
	return RunKey(s), nil
}

// KeyOfContainer is the run name of a container that names none: its id, or where the id is not a valid name, the id's
// SHA-256. Runtimes allow ids that start with '_' or contain '+'.
func KeyOfContainer(id string) RunKey {
	if runKey.MatchString(id) {
		return RunKey(id)
	}
	sum := sha256.Sum256([]byte(id))
	return RunKey(hex.EncodeToString(sum[:]))
}

// aside is the name under which an ended run is kept when its name is taken again.
func (k RunKey) aside(nonce string) RunKey {
	const room = 128 - 1 - asideNonce
	name := string(k)
	if len(name) > room {
		name = name[:room]
	}
	return RunKey(name + "." + nonce[:min(len(nonce), asideNonce)])
}

const asideNonce = 8
