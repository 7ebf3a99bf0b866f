package rundir

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// RunKey is a run's name, and the name of its directory. A value that came from ParseRunKey is safe as a path part.
type RunKey string

const maxRunKey = 128

// ParseRunKey checks a name given by a caller.
func ParseRunKey(s string) (RunKey, error) {
	if !validKey(s) {
		return "", fmt.Errorf("run name %.160q: must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}", s)
	}
	return RunKey(s), nil
}

// validKey is written out because compiling the expression takes 0.3 ms, which every container's start would pay.
func validKey(s string) bool {
	if s == "" || len(s) > maxRunKey || strings.IndexByte("._-", s[0]) >= 0 {
		return false
	}
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._-", c) >= 0) {
			return false
		}
	}
	return true
}

// KeyOfContainer is the run name of a container that names none: its id, or where the id is not a valid name, the id's
// SHA-256. Runtimes allow ids that start with '_' or contain '+'.
func KeyOfContainer(id string) RunKey {
	if validKey(id) {
		return RunKey(id)
	}
	sum := sha256.Sum256([]byte(id))
	return RunKey(hex.EncodeToString(sum[:]))
}

// aside is the name under which an ended run is kept when its name is taken again.
func (k RunKey) aside(nonce string) RunKey {
	const room = maxRunKey - 1 - asideNonce
	name := string(k)
	if len(name) > room {
		name = name[:room]
	}
	return RunKey(name + "." + nonce[:min(len(nonce), asideNonce)])
}

const asideNonce = 8
