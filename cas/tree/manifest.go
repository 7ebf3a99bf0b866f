package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ManifestSchema is the value of "schema" in an input manifest.
const ManifestSchema = "casview.inputs/v1"

// maxManifestEntry bounds the JSON of one entry in bytes: only one is in memory
// at a time, and this keeps it so.
const maxManifestEntry = 1 << 20

// ManifestOptions changes what ReadManifest takes.
type ManifestOptions struct {
	MaxEntries   int  // policy.max_inputs; 0: no limit
	HashOptional bool // a file may come without hash: it will be computed
}

// ManifestEntry is one input as declared. Without a hash its Digest is zero;
// without "/<size>" after the hash its Size is -1. Mode and mtime have their
// defaults when the manifest does not give them.
type ManifestEntry struct {
	Path string // raw bytes; checked by CheckPath
	Entry
	HasMode  bool
	HasMtime bool
}

// ReadManifest decodes an input manifest, one entry at a time, and calls fn with
// each and its number, counted from 1. Errors, also those of fn, name the entry:
//
//	entry 17 "src/a.c": hash is required for a file
//
// Everything that concerns one entry alone is checked. That no two entries
// exclude each other is not: see [Builder.Add]. The schema may come last, so what
// fn did is only worth keeping when ReadManifest returns nil.
func ReadManifest(r io.Reader, o ManifestOptions, fn func(n int, e ManifestEntry) error) error {
	in := &window{r: r}
	m := manifestReader{in: in, json: json.NewDecoder(in), options: o, fn: fn}
	return m.read()
}

type manifestReader struct {
	in      *window
	json    *json.Decoder
	options ManifestOptions
	fn      func(int, ManifestEntry) error
}

func (m *manifestReader) read() error {
	if err := m.delim('{', "manifest is not a JSON object"); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for m.more() {
		key, err := m.token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder allows nothing else
		if seen[name] {
			return fmt.Errorf("key %q comes twice", name)
		}
		seen[name] = true
		switch name {
		case "schema":
			err = m.schema()
		case "visible":
			err = m.visible()
		default:
			err = fmt.Errorf("unknown key %q", name)
		}
		if err != nil {
			return err
		}
	}
	if err := m.delim('}', ""); err != nil {
		return err
	}
	for _, name := range []string{"schema", "visible"} {
		if !seen[name] {
			return fmt.Errorf("key %q is missing", name)
		}
	}
	if _, err := m.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the manifest's closing brace")
	}
	return nil
}

// token returns the next token; the manifest must not end here.
func (m *manifestReader) token() (json.Token, error) {
	t, err := m.json.Token()
	return t, notEOF(err)
}

// notEOF makes the end of the input in the middle of the manifest an error that
// says so.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("manifest is truncated: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// more is json.Decoder.More for the next bytes of the input.
func (m *manifestReader) more() bool {
	m.in.left = maxManifestEntry
	return m.json.More()
}

func (m *manifestReader) delim(want json.Delim, otherwise string) error {
	m.in.left = maxManifestEntry
	t, err := m.token()
	if err == nil && t != want {
		err = errors.New(otherwise)
	}
	return err
}

func (m *manifestReader) schema() error {
	t, err := m.token()
	if err == nil && t != ManifestSchema {
		err = fmt.Errorf("schema is %q, want %q", fmt.Sprint(t), ManifestSchema)
	}
	return err
}

func (m *manifestReader) visible() error {
	if err := m.delim('[', `"visible" is not a list`); err != nil {
		return err
	}
	var raw json.RawMessage // its memory is used again for each entry
	for n := 1; m.more(); n++ {
		if m.options.MaxEntries > 0 && n > m.options.MaxEntries {
			return fmt.Errorf("more than %d entries, the limit that policy.max_inputs sets", m.options.MaxEntries)
		}
		if err := m.json.Decode(&raw); err != nil {
			return fmt.Errorf("entry %d: %w", n, notEOF(err))
		}
		e, err := parseEntry(raw, m.options)
		if err == nil {
			err = m.fn(n, e)
		}
		switch {
		case err != nil && e.Path != "":
			return fmt.Errorf("entry %d %q: %w", n, e.Path, err)
		case err != nil:
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	return m.delim(']', "")
}

// window fails when more than left bytes are read before left is set again.
type window struct {
	r    io.Reader
	left int
}

func (w *window) Read(p []byte) (int, error) {
	if w.left == 0 {
		return 0, fmt.Errorf("more than %d bytes of JSON for one entry", maxManifestEntry)
	}
	n, err := w.r.Read(p[:min(len(p), w.left)])
	w.left -= n
	return n, err
}
