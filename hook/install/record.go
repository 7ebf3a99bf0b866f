package install

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const (
	recordName   = "casview-installed.json"
	recordSchema = "casview.installed/v1"
)

// record is what casview has installed, beside the configuration that its hooks read. By it uninstalling takes out exactly
// what was made, and knows what somebody has edited since. Paths are the host's.
type record struct {
	Schema string  `json:"schema"`
	Files  []entry `json:"files"`
	// Directories were made on the way, parents first.
	Directories []string `json:"directories,omitempty"`
}

// entry is one file that casview made or changed.
type entry struct {
	Path string `json:"path"`
	// Engines need the file. It goes with the last of them.
	Engines []string `json:"engines"`
	// SHA256 of what casview wrote. Two of them: it was interrupted between the first and the second.
	SHA256 []string `json:"sha256"`
	// Changed is what was put into a file of the administrator, and Backup the file as it was. Without a backup there was
	// no such file.
	Changed json.RawMessage `json:"changed,omitempty"`
	Backup  string          `json:"backup,omitempty"`
	// Was is the SHA256 of that file before casview changed it.
	Was string `json:"was,omitempty"`
	// Mixed says that somebody edited the file too, so that the backup is not what it was before casview.
	Mixed bool `json:"mixed,omitempty"`
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// wrote tells whether casview wrote this content.
func (e entry) wrote(content []byte) bool { return slices.Contains(e.SHA256, sum(content)) }

func (r record) find(path string) (entry, bool) {
	if i := r.index(path); i >= 0 {
		return r.Files[i], true
	}
	return entry{}, false
}

func (r record) index(path string) int {
	return slices.IndexFunc(r.Files, func(e entry) bool { return e.Path == path })
}

// put replaces the entry of the same path, or adds it.
func (r *record) put(e entry) {
	e.Engines = slices.Compact(slices.Sorted(slices.Values(e.Engines)))
	if i := r.index(e.Path); i >= 0 {
		r.Files[i] = e
		return
	}
	r.Files = append(r.Files, e)
}

func (r record) clone() record {
	r.Files = slices.Clone(r.Files)
	for i := range r.Files {
		r.Files[i].Engines = slices.Clone(r.Files[i].Engines)
	}
	r.Directories = slices.Clone(r.Directories)
	return r
}

func (o Options) recordFile() (string, error) {
	return o.host(filepath.Join(filepath.Dir(o.configFile()), recordName))
}

// readRecord reads the record; it is empty where nothing is installed.
func (o Options) readRecord() (record, error) {
	r := record{Schema: recordSchema}
	path, err := o.recordFile()
	if err != nil {
		return r, err
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, fmt.Errorf("%s: %w: move it away and install again, which puts what is there on record", path, err)
	}
	if r.Schema != recordSchema {
		return r, fmt.Errorf("%s: schema %q: this version knows %s only", path, r.Schema, recordSchema)
	}
	return r, nil
}

// writeRecord replaces the record, if it says something else than the old one.
func (o Options) writeRecord(old, now record) error {
	before, err := json.MarshalIndent(old, "", "  ")
	if err != nil {
		return err
	}
	after, err := json.MarshalIndent(now, "", "  ")
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	path, err := o.recordFile()
	if err != nil {
		return err
	}
	return File{Path: path, Mode: 0o644, Content: append(after, '\n')}.write()
}
