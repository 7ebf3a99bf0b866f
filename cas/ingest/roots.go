package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/casview/casview/cas"
)

// Indexed returns the roots of the directories that were ingested since a time, of each the last one. An index that can't be used
// has none.
func Indexed(s *cas.Local, since time.Time) ([]cas.Digest, error) {
	var roots []cas.Digest
	err := eachIndex(s, func(path string, saved time.Time) error {
		if saved.Before(since) {
			return nil
		}
		for _, a := range []cas.Algorithm{cas.SHA256, cas.BLAKE3} {
			if x := loadIndex(path, a); !x.root.IsZero() {
				roots = append(roots, x.root)
			}
		}
		return nil
	})
	return roots, err
}

// DropIndexes removes the indexes that were last saved before a time. An index is saved again on each day that it is used.
func DropIndexes(s *cas.Local, before time.Time) error {
	return eachIndex(s, func(path string, saved time.Time) error {
		if !saved.Before(before) {
			return nil
		}
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// eachIndex calls fn with each file in the folder of indexes, torn ones too.
func eachIndex(s *cas.Local, fn func(path string, saved time.Time) error) error {
	dir := filepath.Dir(indexPath(s, ""))
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ingest indexes: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = fn(filepath.Join(dir, e.Name()), info.ModTime())
		}
		if err != nil {
			return fmt.Errorf("ingest indexes: %w", err)
		}
	}
	return nil
}
