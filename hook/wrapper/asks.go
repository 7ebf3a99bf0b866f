package wrapper

import (
	"bytes"
	"encoding/hex"

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

func parseWish(text []byte) (wish, error) {
	c, err := state.ParseConfig(text)
	if err != nil {
		return wish{}, err
	}
	return wish{annotations: state.Mine(c.Annotations), environment: state.FromEnvironment(c)}, nil
}
