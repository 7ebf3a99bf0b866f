package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/casview/casview/cas/tree"
)

// manifestLister prints entries as an input manifest, one a line.
type manifestLister struct {
	w *bufio.Writer
	n int
}

var _ lister = (*manifestLister)(nil)

// manifestEntry is an entry as formats.md has it.
type manifestEntry struct {
	Path        string `json:"path,omitempty"`
	PathBytes   []byte `json:"path_bytes,omitempty"`
	Type        string `json:"type"`
	Hash        string `json:"hash,omitempty"`
	Target      string `json:"target,omitempty"`
	TargetBytes []byte `json:"target_bytes,omitempty"`
	Mode        uint32 `json:"mode"`
	MtimeSec    int64  `json:"mtime_sec"`
	MtimeNsec   int32  `json:"mtime_nsec"`
}

func (l *manifestLister) entry(path string, e tree.Entry, dir *tree.Directory) error {
	m := manifestEntry{Type: e.Kind.String(), Mode: e.Mode, MtimeSec: e.MtimeSec, MtimeNsec: e.MtimeNsec}
	m.Path, m.PathBytes = textOrBytes(path)
	switch e.Kind {
	case tree.Dir:
		m.Mode, m.MtimeSec, m.MtimeNsec = dir.Mode, dir.MtimeSec, dir.MtimeNsec
	case tree.File:
		m.Hash = fmt.Sprintf("%s/%d", e.Digest, e.Size)
	case tree.Symlink:
		m.Target, m.TargetBytes = textOrBytes(e.Target)
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return err
	}
	separator := ",\n"
	if l.n == 0 {
		separator = l.head()
	}
	l.n++
	_, err := fmt.Fprintf(l.w, "%s    %s", separator, bytes.TrimSpace(line.Bytes()))
	return err
}

func (l *manifestLister) head() string {
	return fmt.Sprintf("{\n  \"schema\": %q,\n  \"visible\": [\n", tree.ManifestSchema)
}

func (l *manifestLister) end() error {
	tail := "\n  ]\n}\n"
	if l.n == 0 {
		tail = l.head() + "  ]\n}\n"
	}
	_, err := l.w.WriteString(tail)
	return err
}

func textOrBytes(s string) (string, []byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	return "", []byte(s)
}
