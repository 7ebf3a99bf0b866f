package inuse

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/gc"
)

// Named adds the trees that people named: each file in dir holds a root digest, in one line. A folder that is missing names none.
// A file that holds something else is an error, since whatever it shall keep would be lost.
func Named(dir string, add func(gc.Root) error) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		root, _, err := digest.ParseSize(strings.TrimSpace(string(text)))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := add(gc.Root{Digest: root, Tree: true, Of: path}); err != nil {
			return err
		}
	}
	return nil
}
