package wrapper

import (
	"bytes"
	"encoding/hex"

	"github.com/casview/casview/hook/spec"
	"github.com/casview/casview/hook/state"
)

// wish is what a container's config.json says of casview.
type wish struct {
	annotations map[string]string // of casview's
	environment map[string]string // CASVIEW_* variables, as annotations
}

// mayAsk looks for what every container that asks for casview has somewhere in its config.json. It costs far less than to
// parse the text, and most containers don't have it.
func mayAsk(text []byte) bool {
	return bytes.Contains(text, []byte(state.Prefix)) || bytes.Contains(text, []byte("CASVIEW_")) || escapes(text)
}

// escapes tells whether the text writes a letter, '.' or '_' as \uXXXX. No engine does; a name hidden so must be found too.
func escapes(text []byte) bool {
	for {
		_, after, found := bytes.Cut(text, []byte(`\u00`))
		if !found {
			return false
		}
		var char [1]byte
		if len(after) >= 2 {
			_, _ = hex.Decode(char[:], after[:2])
		}
		switch c := char[0]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '.', c == '_':
			return true
		}
		text = after
	}
}

// readWish reads what a container asks for. Variables count only where there are no annotations, as for the hook, and where
// they may.
func readWish(c spec.Config, variables bool) (wish, error) {
	annotations, err := c.Annotations()
	if err != nil {
		return wish{}, err
	}
	w := wish{annotations: state.Mine(annotations)}
	if len(w.annotations) > 0 || !variables {
		return w, nil
	}
	env, err := c.Env()
	w.environment = state.FromVariables(env)
	return w, err
}

// empty tells that the container does not ask.
func (w wish) empty() bool { return len(w.annotations)+len(w.environment) == 0 }
