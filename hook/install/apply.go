package install

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Apply carries a plan out. Each file appears whole. After an error what was done before it stays, and doing it again is
// fine.
func Apply(files []File) error {
	for _, f := range files {
		if err := f.apply(); err != nil {
			return fmt.Errorf("%s %s: %w", f.Action, f.Path, err)
		}
	}
	return nil
}

func (f File) apply() error {
	switch f.Action {
	case Create, Replace:
		return f.write()
	case Remove:
		err := os.Remove(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	case Keep:
		return nil
	}
	return errors.New("is not a plan's file")
}

func (f File) write() error {
	dir := filepath.Dir(f.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// IgnoreUmask: an administrator's umask must not hide hooks from other users' engines.
	out, err := renameio.NewPendingFile(f.Path, renameio.WithTempDir(dir), renameio.WithPermissions(f.Mode), renameio.IgnoreUmask())
	if err != nil {
		return err
	}
	defer out.Cleanup()
	if f.Source == "" {
		_, err = out.Write(f.Content)
	} else {
		err = copyInto(out, f.Source)
	}
	if err != nil {
		return err
	}
	return out.CloseAtomicallyReplace()
}

func copyInto(out io.Writer, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(out, in)
	return err
}
