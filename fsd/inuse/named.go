package inuse

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

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
		line, err := readLine(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		root, _, err := digest.ParseSize(line)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := add(gc.Root{Digest: root, Tree: true, Of: path}); err != nil {
			return err
		}
	}
	return nil
}

// longest is more than a digest with its size takes.
const longest = 256

// readLine reads a small file. Whatever else stands there, it does not wait for it.
func readLine(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is not a regular file: move it away", path)
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, longest))
	return strings.TrimSpace(string(text)), err
}
