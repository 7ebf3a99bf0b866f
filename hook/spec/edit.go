package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/hook/state"
)

// Edit adds casview's hooks and annotations to the config.json of a bundle, in the place of earlier ones. Everything else
// stays as it is, in its order and indentation. The file is replaced whole, and not at all when it says the same already;
// changed tells which.
func Edit(bundle string, r state.Request, p Program) (changed bool, err error) {
	// The file may be a link into another place: that file is meant, not the link.
	path, err := filepath.EvalSymlinks(filepath.Join(bundle, "config.json"))
	if err != nil {
		return false, err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	text, err := edited(old, r, p)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(text, old) {
		return false, nil
	}
	// renameio would else try $TMPDIR first.
	opts := []renameio.Option{renameio.WithTempDir(filepath.Dir(path)), renameio.WithExistingPermissions()}
	return true, renameio.WriteFile(path, text, 0o644, opts...)
}

func edited(old []byte, r state.Request, p Program) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	annotations, err := r.Annotations()
	if err != nil {
		return nil, err
	}
	var config object
	if err := json.Unmarshal(old, &config); err != nil {
		return nil, err
	}
	if err := editAnnotations(&config, annotations); err != nil {
		return nil, fmt.Errorf("annotations: %w", err)
	}
	var hooks object
	if err := config.get("hooks", &hooks); err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	if err := editHooks(&config, hooks, p); err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	return layOut(config, old)
}

func editAnnotations(config *object, want map[string]string) error {
	var have object
	if err := config.get("annotations", &have); err != nil {
		return err
	}
	have = slices.DeleteFunc(have, func(m member) bool {
		_, wanted := want[m.key]
		return strings.HasPrefix(m.key, state.Prefix) && !wanted
	})
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if err := have.put(key, want[key]); err != nil {
			return err
		}
	}
	return config.put("annotations", have)
}

func editHooks(config *object, hooks object, p Program) error {
	for _, stage := range []Stage{prestart, CreateRuntime, Poststop} {
		var list []json.RawMessage
		if err := hooks.get(string(stage), &list); err != nil {
			return fmt.Errorf("%s: %w", stage, err)
		}
		before := len(list)
		list, err := withoutOurs(list)
		if err != nil {
			return fmt.Errorf("%s: %w", stage, err)
		}
		if stage == prestart {
			if len(list) == before {
				continue
			}
		} else {
			hook, err := encode(p.Hook(stage))
			if err != nil {
				return err
			}
			list = append(list, hook)
		}
		if err := hooks.put(string(stage), list); err != nil {
			return err
		}
	}
	return config.put("hooks", hooks)
}

func withoutOurs(list []json.RawMessage) ([]json.RawMessage, error) {
	out := []json.RawMessage{}
	for _, raw := range list {
		var h specs.Hook
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, err
		}
		if !replaceable(h) {
			out = append(out, raw)
		}
	}
	return out, nil
}

// layOut writes the configuration with the indentation that the old text had.
func layOut(config object, old []byte) ([]byte, error) {
	flat, err := encode(config)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if indent, ok := indentation(old); ok {
		err = json.Indent(&out, flat, "", indent)
	} else {
		err = json.Compact(&out, flat)
	}
	if err != nil {
		return nil, err
	}
	if bytes.HasSuffix(old, []byte("\n")) {
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// indentation is the white space before the first member. ok is false for a text in one line.
func indentation(text []byte) (indent string, ok bool) {
	_, rest, _ := bytes.Cut(text, []byte("{"))
	trimmed := bytes.TrimLeft(rest, " \t\r\n")
	space := string(rest[:len(rest)-len(trimmed)])
	i := strings.LastIndex(space, "\n")
	if i < 0 {
		return "", false
	}
	return space[i+1:], true
}
