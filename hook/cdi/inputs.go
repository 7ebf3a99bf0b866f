package cdi

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/hook/state"
)

// Given is an input set that a spec gives to containers.
type Given struct {
	File   string
	Inputs digest.Digest
}

// Inputs returns what all specs of the folder give to containers, those too that others wrote or somebody has added to: it finds
// the digests that stand behind the hook's option, in JSON or YAML. It reads more than engines would take. A file that is called
// like one of casview's and has none is an error, since whatever it gave is not known. A folder that is missing gives nothing.
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
		text, err := readRegular(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue // what this user can't read their engine can't either
		}
		if err != nil {
			return nil, err
		}
		found := option.FindAllSubmatch(text, -1)
		if len(found) == 0 && strings.HasPrefix(e.Name(), filePrefix) {
			return nil, fmt.Errorf("%s: does not say which inputs it gives: mend it, or remove it", path)
		}
		for _, m := range found {
			inputs, err := digest.Parse(string(m[1]))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, Given{path, inputs})
		}
	}
	return all, nil
}

// maxSpec bounds what is read: a spec of ours has some 500 bytes.
const maxSpec = 16 << 20

// readRegular reads a file. Whatever else stands there, it does not wait for it.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is not a regular file", path)
	}
	if err == nil && info.Size() > maxSpec {
		err = fmt.Errorf("%s: is larger than %d MiB", path, maxSpec>>20)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}
