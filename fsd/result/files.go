package result

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/casview/casview/cas/digest"
)

// Kind is the type of an entry in hashed_files.
type Kind string

// The kinds of formats.md.
const (
	File     Kind = "file"
	Dir      Kind = "dir"
	Symlink  Kind = "symlink"
	Hardlink Kind = "hardlink"
)

// Entry is one output. Path and Target are raw bytes. Target is a symlink's text, or for a hardlink the path of the
// group's first name, which is listed as a file. Mode holds permission bits (07777).
type Entry struct {
	Path      string
	Kind      Kind
	Target    string
	Hash      digest.Digest
	Size      int64
	Mode      uint32
	MtimeSec  int64
	MtimeNsec int32
	// StagingPath is where the bytes of a file are on disk before it is collected. Only `casview staged` sets it; Hash is
	// zero then.
	StagingPath string
}

// entryJSON is an entry as it stands in the file, in the order of formats.md.
type entryJSON struct {
	Kind             Kind          `json:"type"`
	Target           string        `json:"target,omitempty"`
	TargetBytes      []byte        `json:"target_bytes,omitempty"`
	Hash             digest.Digest `json:"hash,omitzero"`
	StagingPath      string        `json:"staging_path,omitempty"`
	StagingPathBytes []byte        `json:"staging_path_bytes,omitempty"`
	Size             *int64        `json:"size,omitempty"`
	Mode             uint32        `json:"mode"`
	MtimeSec         int64         `json:"mtime_sec"`
	MtimeNsec        int32         `json:"mtime_nsec"`
	PathBytes        []byte        `json:"path_bytes,omitempty"`
}

func (e Entry) toJSON() entryJSON {
	j := entryJSON{Kind: e.Kind, Hash: e.Hash, Mode: e.Mode, MtimeSec: e.MtimeSec, MtimeNsec: e.MtimeNsec}
	j.Target, j.TargetBytes = textOrBytes(e.Target)
	j.StagingPath, j.StagingPathBytes = textOrBytes(e.StagingPath)
	if e.Kind == File || e.Kind == Hardlink {
		j.Size = &e.Size
	}
	if key(e.Path) != e.Path {
		j.PathBytes = []byte(e.Path)
	}
	return j
}

// entry is the entry that stands under a key. Only the key that key makes is right, or two entries could have one path.
func (j entryJSON) entry(name string) (Entry, error) {
	e := Entry{Path: name, Kind: j.Kind, Hash: j.Hash, Mode: j.Mode, MtimeSec: j.MtimeSec, MtimeNsec: j.MtimeNsec}
	e.Target, e.StagingPath = either(j.Target, j.TargetBytes), either(j.StagingPath, j.StagingPathBytes)
	if j.PathBytes != nil {
		e.Path = string(j.PathBytes)
	}
	if key(e.Path) != name {
		return Entry{}, fmt.Errorf("hashed_files: key %q does not belong to path %q", name, e.Path)
	}
	if j.Size != nil {
		e.Size = *j.Size
	}
	return e, nil
}

// textOrBytes says in which of two keys raw bytes stand.
func textOrBytes(raw string) (text string, data []byte) {
	if utf8.ValidString(raw) {
		return raw, nil
	}
	return "", []byte(raw)
}

func either(text string, data []byte) string {
	if data != nil {
		return string(data)
	}
	return text
}

// Files is the hashed_files object: entries sorted by key. It is a slice in memory because order is part of the format
// and results reach hundreds of thousands of entries.
type Files []Entry

// Sort brings the entries into the order of the file.
func (f Files) Sort() {
	slices.SortFunc(f, func(a, b Entry) int { return strings.Compare(key(a.Path), key(b.Path)) })
}

// Find returns the entry of a path. Files must be sorted.
func (f Files) Find(path string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(f, key(path), func(e Entry, k string) int { return strings.Compare(key(e.Path), k) })
	if !ok {
		return Entry{}, false
	}
	return f[i], true
}

// MarshalJSON implements json.Marshaler.
func (f Files) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, e := range f {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = e.append(b, ":"); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *Files) UnmarshalJSON(b []byte) error {
	var m map[string]entryJSON
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	out := make(Files, 0, len(m))
	for k, j := range m {
		e, err := j.entry(k)
		if err != nil {
			return err
		}
		out = append(out, e)
	}
	out.Sort()
	*f = out
	return nil
}
