package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/casview/casview/cas/utf8name"
)

// Path is a path inside the view as raw bytes: relative, '/'-separated, perhaps not UTF-8. In JSON it is a string, or
// {"path_bytes": "<base64>"} where a JSON string could not hold it.
type Path string

type pathBytes struct {
	Bytes []byte `json:"path_bytes"`
}

// MarshalJSON implements json.Marshaler.
func (p Path) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(p)) {
		return marshal(string(p))
	}
	return marshal(pathBytes{Bytes: []byte(p)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Path) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("{")) {
		var raw pathBytes
		if err := json.Unmarshal(b, &raw); err != nil {
			return fmt.Errorf("path_bytes: %w", err)
		}
		*p = Path(raw.Bytes)
		return nil
	}
	return json.Unmarshal(b, (*string)(p))
}

// key is the name under which a path stands in the hashed_files object. JSON keys must be UTF-8 and unique, so a path
// that is not UTF-8 stands under its encoding by utf8name, which no other path has; the entry then
// carries the true bytes as path_bytes.
func key(path string) string { return utf8name.Encode(path) }

// marshal is json.Marshal without the HTML escapes, which would turn '&' in a file name into \u0026.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
