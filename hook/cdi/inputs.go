package cdi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/hook/state"
)

// Given is an input set that a spec gives to containers.
type Given struct {
	File   string
	Inputs digest.Digest
}

// Inputs returns what all specs of the folder give to containers, those too that others wrote or somebody has added to: it finds
// the digests that stand behind the hook's option, in JSON or YAML. It reads more than engines would take. A folder that is missing
// gives nothing.
func (d Dir) Inputs() ([]Given, error) {
	option := regexp.MustCompile(regexp.QuoteMeta(state.InputsOption) + `["'\s,=-]+((?:sha256|blake3):[0-9a-f]{64})`)
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Given
	for _, e := range entries {
		path := filepath.Join(string(d), e.Name())
		if !slices.Contains([]string{".json", ".yaml"}, filepath.Ext(path)) {
			continue
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, m := range option.FindAllSubmatch(text, -1) {
			inputs, err := digest.Parse(string(m[1]))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, Given{path, inputs})
		}
	}
	return all, nil
}
