package result

import (
	"bytes"
	"encoding/json"
)

// indent lays the JSON out for people and line tools: keys of the top level on lines of their own, and one line for
// each element below, so that `diff` and `grep` work on a result with many files. files stands in place of the empty
// hashed_files in flat: it is most of a result, and taking it apart again would cost more than all else about it.
func indent(flat []byte, files Files) ([]byte, error) {
	var top bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(flat))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	top.WriteString("{")
	for first := true; dec.More(); first = false {
		k, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, err := marshal(k)
		if err != nil {
			return nil, err
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		if !first {
			top.WriteByte(',')
		}
		top.WriteString("\n  ")
		top.Write(name)
		top.WriteString(": ")
		if k == "hashed_files" {
			err = writeFiles(&top, files)
		} else {
			err = writeValue(&top, v)
		}
		if err != nil {
			return nil, err
		}
	}
	top.WriteString("\n}\n")
	return top.Bytes(), nil
}

// writeValue writes a scalar as it is, an object or list with one member a line.
func writeValue(w *bytes.Buffer, v json.RawMessage) error {
	if len(v) <= 2 || (v[0] != '{' && v[0] != '[') {
		w.Write(v)
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(v))
	if _, err := dec.Token(); err != nil {
		return err
	}
	w.WriteByte(v[0])
	for first := true; dec.More(); first = false {
		if !first {
			w.WriteByte(',')
		}
		w.WriteString("\n    ")
		if v[0] == '{' {
			k, err := dec.Token()
			if err != nil {
				return err
			}
			name, err := marshal(k)
			if err != nil {
				return err
			}
			w.Write(name)
			w.WriteString(": ")
		}
		var member json.RawMessage
		if err := dec.Decode(&member); err != nil {
			return err
		}
		w.Write(member)
	}
	w.WriteString("\n  ")
	w.WriteByte(v[len(v)-1])
	return nil
}

// writeFiles writes hashed_files as writeValue would.
func writeFiles(w *bytes.Buffer, files Files) error {
	w.WriteByte('{')
	for i, e := range files {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString("\n    ")
		line, err := e.append(w.AvailableBuffer(), ": ")
		if err != nil {
			return err
		}
		w.Write(line)
	}
	if len(files) > 0 {
		w.WriteString("\n  ")
	}
	w.WriteByte('}')
	return nil
}
