package state

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/rundir"
)

// Annotation keys. Any other key with this prefix is an error.
const (
	Prefix  = "io.casview."
	Inputs  = Prefix + "inputs"
	Target  = Prefix + "target"
	Run     = Prefix + "run"
	Outputs = Prefix + "outputs"
)

// Request is what a container asks of casview. Its values have the right form; whether the target is allowed and the
// inputs are in the store is for others to say.
type Request struct {
	Inputs digest.Digest
	// Target is a clean absolute path, or "" for the configured one.
	Target string
	// Run is "" for the container's id.
	Run rundir.RunKey
	// Outputs are globs relative to the view's root; none means everything.
	Outputs []string
}

// Annotations is the request as annotations.
func (r Request) Annotations() (map[string]string, error) {
	out := map[string]string{Inputs: r.Inputs.String()}
	if r.Target != "" {
		out[Target] = r.Target
	}
	if r.Run != "" {
		out[Run] = string(r.Run)
	}
	if len(r.Outputs) > 0 {
		text, err := encodeOutputs(r.Outputs)
		if err != nil {
			return nil, err
		}
		out[Outputs] = text
	}
	_, _, err := ParseRequest(out)
	return out, err
}

// encodeOutputs writes globs as people would: '&' and '<' as they are.
func encodeOutputs(globs []string) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(globs)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// ParseRequest reads the io.casview.* annotations among all of a container's. asked is false where there are none; an
// error names the annotation, and the request that comes with it has the run's name at the most.
func ParseRequest(annotations map[string]string) (r Request, asked bool, err error) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if !strings.HasPrefix(key, Prefix) {
			continue
		}
		asked = true
		if err := r.set(key, annotations[key]); err != nil {
			return refused(annotations), true, fmt.Errorf("annotation %s: %w", clip(key), err)
		}
	}
	if asked && r.Inputs.IsZero() {
		return refused(annotations), true, fmt.Errorf("annotation %s is missing, but the container has other %s* annotations", Inputs, Prefix)
	}
	return r, asked, nil
}

// refused is what is known of a request that is refused: the name under which somebody will ask for the cause.
func refused(annotations map[string]string) Request {
	key, err := rundir.ParseRunKey(annotations[Run])
	if err != nil {
		return Request{}
	}
	return Request{Run: key}
}

// clip keeps what a container wrote from filling the terminal or faking lines in it.
func clip(s string) string {
	if q := fmt.Sprintf("%.128q", s); q != `"`+s+`"` {
		return q
	}
	return s
}

func (r *Request) set(key, value string) (err error) {
	switch key {
	case Inputs:
		r.Inputs, _, err = digest.ParseSize(value)
	case Target:
		r.Target, err = parseTarget(value)
	case Run:
		r.Run, err = rundir.ParseRunKey(value)
	case Outputs:
		r.Outputs, err = parseOutputs(value)
	default:
		err = fmt.Errorf("unknown (there are %s, %s, %s and %s)", Inputs, Target, Run, Outputs)
	}
	return err
}

func parseTarget(s string) (string, error) {
	if !path.IsAbs(s) || path.Clean(s) != s || s == "/" || strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("%.128q is not a clean absolute path below /", s)
	}
	return s, nil
}

func parseOutputs(s string) ([]string, error) {
	var globs []string
	if err := json.Unmarshal([]byte(s), &globs); err != nil {
		return nil, fmt.Errorf("%.128q is not a JSON list of globs: %w", s, err)
	}
	if len(globs) == 0 {
		return nil, fmt.Errorf("%.128q names nothing: leave the key out to store every output", s)
	}
	for _, g := range globs {
		switch {
		case !doublestar.ValidatePattern(g):
			return nil, fmt.Errorf("%.128q is not a valid glob", g)
		case g == "" || g == "." || path.IsAbs(g) || path.Clean(g) != g || strings.HasPrefix(g, "../") || g == "..":
			return nil, fmt.Errorf("%.128q is not a clean path relative to the view's root", g)
		}
	}
	return globs, nil
}
