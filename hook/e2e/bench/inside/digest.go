package inside

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Digest notes one hash for all names and contents of a tree.
type Digest struct {
	Note string `json:"note"`
	Dir  string `json:"dir"`
}

func (t *Digest) run(r *Report) (err error) {
	r.Notes[t.Note], err = OfTree(t.Dir)
	return err
}

// OfTree hashes names and contents of a tree's files, and targets of its symlinks.
func OfTree(dir string) (string, error) {
	all := sha256.New()
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		content, err := OfFile(p, e.Type())
		fmt.Fprintf(all, "%s\x00%s\n", rel, content)
		return err
	})
	return hex.EncodeToString(all.Sum(nil)), err
}

// OfFile is the SHA-256 of a file's content in hex, or a symlink's target after "-> ".
func OfFile(p string, kind fs.FileMode) (string, error) {
	if kind&fs.ModeSymlink != 0 {
		target, err := os.Readlink(p)
		return "-> " + target, err
	}
	f, err := os.Open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
