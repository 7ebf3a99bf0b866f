package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/casview/casview/hook/cdi"
)

// specDirsFile is a file in the state directory: the folders that `casview cdi` has written specs into and engines do not read by
// themselves, one a line. `casview gc` looks there, since a timer can't be told of them.
func specDirsFile(state string) string { return filepath.Join(state, "spec-dirs") }

func readSpecDirs(state string) ([]string, error) {
	text, err := os.ReadFile(specDirsFile(state))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Split(string(text), "\n"), func(dir string) bool { return !filepath.IsAbs(dir) }), nil
}

// rememberSpecDir puts a folder on record before a spec is written there.
func rememberSpecDir(state, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if dir == cdi.SystemDir || dir == cdi.RuntimeDir || dir == specDir() {
		return nil
	}
	if strings.Contains(dir, "\n") {
		return fmt.Errorf("%q: has a line break in its name", dir)
	}
	all, err := readSpecDirs(state)
	if err != nil || slices.Contains(all, dir) {
		return err
	}
	text := strings.Join(append(all, dir), "\n") + "\n"
	return renameio.WriteFile(specDirsFile(state), []byte(text), 0o600, renameio.WithTempDir(state))
}
